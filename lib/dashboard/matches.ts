import type { OperationSnapshot } from '../operation/snapshot.js';
import type { OperationQuery, Sort } from './api-types.js';

// Also runs in the page, so it imports nothing but types.

/** Whether an operation is what a query asks for. */
export function matches(
  query: OperationQuery,
  operation: OperationSnapshot,
  now = Date.now(),
): boolean {
  const { status, reason, kind, name, tag, rootId, parentId, text, olderThan, zombie } = query;
  return (
    isOneOf(status, operation.status) &&
    isOneOf(reason, operation.reason) &&
    isOneOf(kind, operation.kind) &&
    isSame(name, operation.name) &&
    isSame(rootId, operation.rootId) &&
    isSame(parentId, operation.parentId) &&
    isSame(zombie, operation.zombie) &&
    (tag === undefined || (operation.tags ?? []).includes(tag)) &&
    (olderThan === undefined ||
      now - Date.parse(operation.endedAt ?? operation.startedAt) >= olderThan) &&
    (text === undefined || contains(operation, text.toLowerCase()))
  );
}

function isOneOf(allowed: readonly string[] | undefined, value: string | undefined): boolean {
  return allowed === undefined || (value !== undefined && allowed.includes(value));
}

function isSame<Value>(wanted: Value | undefined, value: Value | undefined): boolean {
  return wanted === undefined || wanted === value;
}

function contains(operation: OperationSnapshot, text: string): boolean {
  const { id, name, message, requestedBy, tags, metadata } = operation;
  const has = (value: unknown) => String(value).toLowerCase().includes(text);
  return (
    has(name) ||
    has(id) ||
    (message !== undefined && has(message)) ||
    (requestedBy !== undefined && has(requestedBy)) ||
    (tags ?? []).some(has) ||
    Object.values(metadata ?? {}).some((value) =>
      has(typeof value === 'object' ? JSON.stringify(value) : value),
    )
  );
}

const text = (value: string | undefined) => value ?? '';
const byText = (a: string | undefined, b: string | undefined) =>
  text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0;

type Comparator = (a: OperationSnapshot, b: OperationSnapshot) => number;

const COMPARATORS: Readonly<Record<Sort, Comparator>> = {
  startedAt: (a, b) => byText(a.startedAt, b.startedAt),
  // Those that have not ended come last.
  endedAt: (a, b) => byText(a.endedAt ?? '~', b.endedAt ?? '~'),
  durationMs: (a, b) => a.durationMs - b.durationMs,
  name: (a, b) => byText(a.name, b.name),
  status: (a, b) => byText(a.status, b.status),
  // Those without one come last.
  deadline: (a, b) => byText(a.deadline ?? '~', b.deadline ?? '~'),
  progress: (a, b) => (a.progress?.percent ?? -1) - (b.progress?.percent ?? -1),
};

/** Ascending; equal ones by their begin, then by id, so that the order is always the same. */
export function comparatorOf(sort: Sort): Comparator {
  const compare = COMPARATORS[sort];
  return (a, b) => compare(a, b) || byText(a.startedAt, b.startedAt) || byText(a.id, b.id);
}
