import type { DashboardOperation, OperationQuery, Sort } from '../../api-types.js';
import { comparatorOf, matches } from '../../matches.js';

type Operations = ReadonlyMap<string, DashboardOperation>;
type Ordered = readonly DashboardOperation[];
type Compare = (a: DashboardOperation, b: DashboardOperation) => number;

/**
 * Those of many operations that match, in order. Only what has changed is matched and put in its
 * place, so that ten thousand cost little.
 */
export class Arrangement {
  readonly compare: Compare;
  private ordered: Ordered | undefined;

  constructor(
    private readonly query: OperationQuery,
    sort: Sort,
    descending: boolean,
  ) {
    const compare = comparatorOf(sort);
    this.compare = descending ? (a, b) => compare(b, a) : compare;
  }

  /**
   * @param touched ids of those that have changed, begun or ended since; `undefined`: all may have
   * @param now the server's clock: milliseconds since the epoch
   */
  arrange(all: Operations, touched: ReadonlySet<string> | undefined, now: number): Ordered {
    const kept = touched && this.ordered?.filter(({ id }) => !touched.has(id));
    const candidates =
      kept === undefined || touched === undefined ? all.values() : pick(all, touched);
    const fresh: DashboardOperation[] = [];
    for (const operation of candidates) {
      if (matches(this.query, operation, now)) fresh.push(operation);
    }
    fresh.sort(this.compare);
    this.ordered = kept === undefined ? fresh : merged(kept, fresh, this.compare);
    return this.ordered;
  }
}

function* pick(all: Operations, ids: Iterable<string>): Iterable<DashboardOperation> {
  for (const id of ids) {
    const operation = all.get(id);
    if (operation !== undefined) yield operation;
  }
}

/** Many and few, both in order, as one list in order. */
function merged(many: Ordered, few: Ordered, compare: Compare): Ordered {
  const result: DashboardOperation[] = [];
  let from = 0;
  for (const operation of few) {
    const until = placeOf(operation, many, from, compare);
    for (let index = from; index < until; index++) result.push(many[index] as DashboardOperation);
    result.push(operation);
    from = until;
  }
  for (let index = from; index < many.length; index++)
    result.push(many[index] as DashboardOperation);
  return result;
}

/** The index of the first that comes after. */
function placeOf(
  operation: DashboardOperation,
  ordered: Ordered,
  from: number,
  compare: Compare,
): number {
  let low = from;
  let high = ordered.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(ordered[middle] as DashboardOperation, operation) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
