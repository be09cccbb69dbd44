import { type OperationQuery, type Sort, SORTS } from '../../api-types.js';
import { formatDuration } from './format.js';
import { parseSpan, writeSpan } from './span.js';

/** What a list shows: all of it stands in the address. */
export interface ListState {
  readonly query: OperationQuery;
  readonly sort: Sort;
  readonly descending: boolean;
  /** Operations of all instances. */
  readonly all: boolean;
  readonly tree: boolean;
  readonly offset: number;
}

export type ListDefaults = Pick<ListState, 'sort' | 'descending'>;

const TEXTS = ['text', 'name', 'tag', 'rootId', 'parentId'] as const;
const LISTS = ['status', 'kind', 'reason'] as const;
const LONGEST = 256;

export function readListState(params: URLSearchParams, defaults: ListDefaults): ListState {
  const query: { -readonly [Key in keyof OperationQuery]: OperationQuery[Key] } = {};
  for (const key of TEXTS) {
    const value = params.get(key)?.slice(0, LONGEST);
    if (value) query[key] = value;
  }
  for (const key of LISTS) {
    const values = params.get(key)?.split(',').filter(Boolean) ?? [];
    if (values.length > 0) query[key] = values;
  }
  const olderThan = parseSpan(params.get('olderThan') ?? '');
  if (olderThan !== undefined) query.olderThan = olderThan;
  if (params.get('zombie') === 'true') query.zombie = true;
  const sort = SORTS.find((each) => each === params.get('sort'));
  const order = params.get('order');
  const offset = Number(params.get('offset') ?? 0);
  return {
    query,
    sort: sort ?? defaults.sort,
    descending: order === null ? defaults.descending : order === 'desc',
    all: params.get('instances') === 'all',
    tree: params.get('tree') === 'true',
    offset: Number.isSafeInteger(offset) && offset > 0 ? offset : 0,
  };
}

export function writeListState(state: ListState, defaults: ListDefaults): URLSearchParams {
  const params = new URLSearchParams(queryParams(state.query));
  if (state.sort !== defaults.sort) params.set('sort', state.sort);
  if (state.descending !== defaults.descending)
    params.set('order', state.descending ? 'desc' : 'asc');
  if (state.all) params.set('instances', 'all');
  if (state.tree) params.set('tree', 'true');
  if (state.offset > 0) params.set('offset', String(state.offset));
  return params;
}

/** A query as the API takes it in an address. */
export function queryParams(query: OperationQuery): Record<string, string> {
  const params: Record<string, string> = {};
  for (const [key, value] of Object.entries(query) as [string, unknown][]) {
    if (value === undefined) continue;
    params[key] = Array.isArray(value)
      ? value.join(',')
      : key === 'olderThan'
        ? writeSpan(value as number)
        : String(value);
  }
  return params;
}

/** What a query asks for, in words. */
export function describeQuery(query: OperationQuery): string {
  const { text, name, status, kind, reason, tag, olderThan, zombie, rootId, parentId } = query;
  const parts = [
    text && `“${text}”`,
    name && `name ${name}`,
    status && `status ${status.join(' or ')}`,
    kind && `kind ${kind.join(' or ')}`,
    reason && `reason ${reason.join(' or ')}`,
    tag && `tag ${tag}`,
    olderThan !== undefined && `older than ${formatDuration(olderThan)}`,
    zombie && 'zombies only',
    rootId && `of the tree ${rootId}`,
    parentId && `children of ${parentId}`,
  ];
  return parts.filter(Boolean).join(', ');
}
