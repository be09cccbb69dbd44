import type { DashboardOperation } from './api-types.js';

/** From the root to the parent, as far as they are among the relatives. */
export function ancestorsOf(
  operation: DashboardOperation,
  relatives: ReadonlyMap<string, DashboardOperation>,
): DashboardOperation[] {
  const ancestors: DashboardOperation[] = [];
  const seen = new Set([operation.id]);
  for (let id = operation.parentId; id !== undefined && !seen.has(id);) {
    seen.add(id);
    const parent = relatives.get(id);
    if (parent === undefined) break;
    ancestors.unshift(parent);
    id = parent.parentId;
  }
  return ancestors;
}

/** Each before those below it; siblings in the order in which they began. */
export function descendantsOf(
  { id }: DashboardOperation,
  relatives: ReadonlyMap<string, DashboardOperation>,
): DashboardOperation[] {
  const children = childrenByParent(relatives);
  const found: DashboardOperation[] = [];
  const seen = new Set([id]);
  const pending = [...(children.get(id) ?? [])];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (seen.has(next.id)) continue;
    seen.add(next.id);
    found.push(next);
    pending.push(...(children.get(next.id) ?? []));
  }
  return found;
}

/** The youngest first. */
function childrenByParent(
  relatives: ReadonlyMap<string, DashboardOperation>,
): Map<string, DashboardOperation[]> {
  const children = new Map<string, DashboardOperation[]>();
  // Those that began in the same millisecond stay as they came.
  const oldestFirst = [...relatives.values()].sort(
    (a, b) => Date.parse(a.startedAt) - Date.parse(b.startedAt),
  );
  for (const relative of oldestFirst.reverse()) {
    if (relative.parentId === undefined) continue;
    const siblings = children.get(relative.parentId);
    if (siblings === undefined) children.set(relative.parentId, [relative]);
    else siblings.push(relative);
  }
  return children;
}
