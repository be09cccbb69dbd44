import type { DashboardOperation, OperationQuery, Sort } from '../../api-types.js';
import { comparatorOf, matches } from '../../matches.js';

type Operations = ReadonlyMap<string, DashboardOperation>;

/**
 * Those of many operations that match, in order. What was in order before is not sorted again from
 * the beginning, so that ten thousand cost little when few have changed.
 */
export class Arrangement {
  private ordered: DashboardOperation[] = [];
  readonly compare: (a: DashboardOperation, b: DashboardOperation) => number;

  constructor(
    private readonly query: OperationQuery,
    sort: Sort,
    descending: boolean,
  ) {
    const compare = comparatorOf(sort);
    this.compare = descending ? (a, b) => compare(b, a) : compare;
  }

  /** @param now the server's clock: milliseconds since the epoch */
  arrange(all: Operations, now: number): readonly DashboardOperation[] {
    const next: DashboardOperation[] = [];
    const known = new Set<string>();
    for (const { id } of this.ordered) {
      const operation = all.get(id);
      known.add(id);
      if (operation !== undefined && matches(this.query, operation, now)) next.push(operation);
    }
    for (const operation of all.values()) {
      if (!known.has(operation.id) && matches(this.query, operation, now)) next.push(operation);
    }
    next.sort(this.compare);
    this.ordered = next;
    return next;
  }
}
