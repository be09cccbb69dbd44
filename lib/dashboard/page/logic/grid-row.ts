import type { DashboardOperation } from '../../api-types.js';

/** A line of a table of operations. */
export interface GridRow {
  readonly operation: DashboardOperation;
  /** 0: a root, or not in a tree. */
  readonly depth: number;
  /** How many stand directly below it; 0 where no tree is shown. */
  readonly children: number;
  readonly expanded: boolean;
  /** Does not match, but something below it does. */
  readonly isContext: boolean;
}

export function flatRow(operation: DashboardOperation): GridRow {
  return { operation, depth: 0, children: 0, expanded: false, isContext: false };
}
