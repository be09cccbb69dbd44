import { CancelRecord } from './cancel-record.js';
import type { Scope } from './scope.js';

/**
 * The one place where anything is canceled. First wins, synchronously: marks the whole subtree,
 * then runs listeners deepest first, then releases callers. Iterative: trees may be 10,000 deep.
 *
 * @returns whether this call was the one that canceled it
 */
export function cancelScope(scope: Scope, record: CancelRecord): boolean {
  if (scope.record !== undefined || scope.decided) return false;
  mark(scope, record);
  if (scope.firstChild === undefined) {
    if (scope.hasListeners) scope.notify();
    scope.released();
    return true;
  }
  const reached = [scope];
  // The list grows while it is walked.
  for (const each of reached) markChildren(each, reached);
  const deepestFirst = reached.reverse();
  for (const each of deepestFirst) if (each.hasListeners) each.notify();
  for (const each of deepestFirst) each.released();
  return true;
}

/**
 * For one of several that are canceled together.
 *
 * @returns whether that canceled it, directly or, before its turn, through a parent
 */
export function cancelOrReached(scope: Scope, record: CancelRecord): boolean {
  return scope.record === undefined ? cancelScope(scope, record) : scope.record.isAfter(record);
}

function markChildren(parent: Scope, reached: Scope[]): void {
  let record: CancelRecord | undefined;
  for (let child = parent.firstChild; child !== undefined; child = child.nextSibling) {
    if (child.record !== undefined || child.decided) continue;
    record ??= parentRecord(parent);
    mark(child, record);
    reached.push(child);
  }
}

function mark(scope: Scope, record: CancelRecord): void {
  scope.record = record;
  scope.marked();
}

/** The record that the children of a canceled scope are canceled with. */
export function parentRecord(parent: Scope): CancelRecord {
  const message = parent.name === undefined ? undefined : `parent ${parent.name} was canceled`;
  const { requestedBy, abandoned } = parent.record as CancelRecord;
  return new CancelRecord('parent', message, { requestedBy, origin: parent, abandoned });
}
