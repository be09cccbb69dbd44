// Where in the page one is: the address behind the hash, which works under any path of a proxy.

export const VIEWS = ['live', 'operation', 'history', 'charts', 'instances'] as const;

export type ViewName = (typeof VIEWS)[number];

export interface Route {
  readonly view: ViewName;
  /** Of the operation. */
  readonly id: string | undefined;
  readonly params: URLSearchParams;
}

/** @param hash with or without its `#` */
export function readRoute(hash: string): Route {
  const [path = '', search = ''] = split(hash.replace(/^#?\/?/, ''), '?');
  const [name = '', id] = split(path, '/');
  const known = VIEWS.find((each) => each === name) ?? 'live';
  const view = known === 'operation' && !id ? 'live' : known;
  return {
    view,
    id: view === 'operation' ? decode(id ?? '') : undefined,
    params: new URLSearchParams(search),
  };
}

export function hashOf(view: ViewName, params?: URLSearchParams, id?: string): string {
  const search = params?.toString() ?? '';
  const path = id === undefined ? view : `${view}/${encodeURIComponent(id)}`;
  return `#/${path}${search === '' ? '' : `?${search}`}`;
}

export function operationHash(id: string, all: boolean): string {
  return hashOf('operation', all ? new URLSearchParams({ instances: 'all' }) : undefined, id);
}

function split(text: string, at: string): [string, string?] {
  const index = text.indexOf(at);
  return index < 0 ? [text] : [text.slice(0, index), text.slice(index + 1)];
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
