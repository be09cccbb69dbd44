import type { DashboardOperation } from '../../api-types.js';
import type { GridRow } from './grid-row.js';

type Operations = ReadonlyMap<string, DashboardOperation>;
type Compare = (a: DashboardOperation, b: DashboardOperation) => number;

/**
 * Operations as a tree, line by line: each below its parent. Of any depth, so without recursion.
 *
 * @param all where parents of those that match are found
 * @param collapsed ids of those whose children are hidden
 */
export function flattenTree(
  matching: readonly DashboardOperation[],
  all: Operations,
  compare: Compare,
  collapsed: ReadonlySet<string>,
): GridRow[] {
  const shown = new Map(matching.map((operation) => [operation.id, operation]));
  const context = ancestorsOf(matching, shown, all);
  const ordered = context.length === 0 ? matching : [...matching, ...context].sort(compare);
  const outside = new Set(context.map(({ id }) => id));
  const { roots, children } = groupByParent(ordered, shown, outside, all);
  return walk(roots, children, collapsed, outside);
}

function ancestorsOf(
  matching: readonly DashboardOperation[],
  shown: Operations,
  all: Operations,
): DashboardOperation[] {
  const found = new Map<string, DashboardOperation>();
  for (const { parentId } of matching) {
    for (let id = parentId; id !== undefined && !shown.has(id) && !found.has(id);) {
      const parent = all.get(id);
      if (parent === undefined) break;
      found.set(id, parent);
      id = parent.parentId;
    }
  }
  return [...found.values()];
}

function groupByParent(
  ordered: readonly DashboardOperation[],
  shown: Operations,
  outside: ReadonlySet<string>,
  all: Operations,
) {
  const roots: DashboardOperation[] = [];
  const children = new Map<string, DashboardOperation[]>();
  for (const operation of ordered) {
    const { parentId, id } = operation;
    const isChild =
      parentId !== undefined &&
      parentId !== id &&
      all.has(parentId) &&
      (shown.has(parentId) || outside.has(parentId));
    if (!isChild) {
      roots.push(operation);
      continue;
    }
    const siblings = children.get(parentId);
    if (siblings === undefined) children.set(parentId, [operation]);
    else siblings.push(operation);
  }
  return { roots, children };
}

function walk(
  roots: readonly DashboardOperation[],
  children: ReadonlyMap<string, readonly DashboardOperation[]>,
  collapsed: ReadonlySet<string>,
  outside: ReadonlySet<string>,
): GridRow[] {
  const rows: GridRow[] = [];
  // Where the walk is in the list of each level.
  const levels = [{ operations: roots, next: 0 }];
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const operation = level.operations[level.next++];
    if (operation === undefined) {
      levels.pop();
      continue;
    }
    const { id } = operation;
    const below = children.get(id);
    const expanded = below !== undefined && !collapsed.has(id);
    const depth = levels.length - 1;
    const isContext = outside.has(id);
    rows.push({ operation, depth, children: below?.length ?? 0, expanded, isContext });
    if (expanded) levels.push({ operations: below, next: 0 });
  }
  return rows;
}
