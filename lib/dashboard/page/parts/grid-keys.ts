import type { GridRow } from '../logic/grid-row.js';

/** What the keys of a table lead to. */
export interface GridActions {
  /** Makes a row the active one, and shows it. */
  move(index: number): void;
  open(row: GridRow): void;
  cancel(row: GridRow): void;
  toggle(id: string): void;
}

/**
 * Arrows, Home, End and pages move; Enter opens; Delete cancels; in a tree, left and right collapse
 * and expand.
 *
 * @param page rows that are seen at once
 * @returns whether the key means something here
 */
export function handleGridKey(
  key: string,
  rows: readonly GridRow[],
  active: number,
  page: number,
  isTree: boolean,
  actions: GridActions,
): boolean {
  const row = rows[active];
  if (row === undefined) return false;
  const moves: Readonly<Record<string, number>> = {
    ArrowDown: active + 1,
    ArrowUp: active - 1,
    PageDown: active + page,
    PageUp: active - page,
    Home: 0,
    End: rows.length - 1,
  };
  const target = moves[key];
  if (target !== undefined) {
    actions.move(Math.max(0, Math.min(rows.length - 1, target)));
    return true;
  }
  if (key === 'Enter') actions.open(row);
  else if (key === 'Delete') actions.cancel(row);
  else if (isTree && key === 'ArrowLeft') collapse(rows, active, row, actions);
  else if (isTree && key === 'ArrowRight') expand(active, row, actions);
  else return false;
  return true;
}

function collapse(
  rows: readonly GridRow[],
  active: number,
  { operation, children, expanded, depth }: GridRow,
  actions: GridActions,
): void {
  if (children > 0 && expanded) {
    actions.toggle(operation.id);
    return;
  }
  for (let index = active - 1; index >= 0; index--) {
    if ((rows[index]?.depth ?? 0) < depth) {
      actions.move(index);
      return;
    }
  }
}

function expand(active: number, row: GridRow, actions: GridActions): void {
  if (row.children === 0) return;
  if (row.expanded) actions.move(active + 1);
  else actions.toggle(row.operation.id);
}
