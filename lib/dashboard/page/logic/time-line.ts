import type { DashboardOperation } from '../../api-types.js';

/** From and until, as shares of the whole: 0 to 1. */
export type Stretch = readonly [from: number, until: number];

/** An operation on the time line. */
export interface Bar {
  readonly operation: DashboardOperation;
  readonly depth: number;
  readonly run: Stretch;
  /** Where the cancel arrived. */
  readonly canceledAt: number | undefined;
  readonly deadline: number | undefined;
  /** When something that it had begun was running. */
  readonly waits: readonly Stretch[];
}

export interface TimeLine {
  /** Milliseconds since the epoch. */
  readonly from: number;
  /** Milliseconds. */
  readonly span: number;
  readonly bars: readonly Bar[];
}

/** @param now the server's clock: milliseconds since the epoch */
export function timeLineOf(
  operation: DashboardOperation,
  descendants: readonly DashboardOperation[],
  now: number,
): TimeLine {
  const endOf = ({ endedAt }: DashboardOperation) =>
    endedAt === undefined ? now : Date.parse(endedAt);
  const from = Date.parse(operation.startedAt);
  const until = descendants.reduce((last, each) => Math.max(last, endOf(each)), endOf(operation));
  const span = Math.max(1, until - from);
  const share = (at: number) => Math.min(1, Math.max(0, (at - from) / span));
  const shareOf = (iso: string | undefined) => {
    const at = iso === undefined ? Number.NaN : Date.parse(iso);
    return at >= from && at <= until ? share(at) : undefined;
  };
  const runOf = (each: DashboardOperation): Stretch => [
    share(Date.parse(each.startedAt)),
    share(endOf(each)),
  ];
  const children = childrenOf(descendants);
  const bars: Bar[] = [];
  const pending = [{ operation, depth: 0 }];
  const seen = new Set<string>();
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { operation: each, depth } = next;
    if (seen.has(each.id)) continue;
    seen.add(each.id);
    const below = children.get(each.id) ?? [];
    const run = runOf(each);
    const deadline = shareOf(each.deadline);
    bars.push({
      operation: each,
      depth,
      run,
      canceledAt: shareOf(each.canceledAt),
      // Of one that had ended before, it says nothing.
      deadline: deadline !== undefined && deadline <= run[1] ? deadline : undefined,
      waits: joined(below.map(runOf)),
    });
    for (const child of [...below].reverse()) pending.push({ operation: child, depth: depth + 1 });
  }
  return { from, span, bars };
}

function childrenOf(operations: readonly DashboardOperation[]): Map<string, DashboardOperation[]> {
  const children = new Map<string, DashboardOperation[]>();
  for (const operation of operations) {
    const parentId = operation.parentId ?? '';
    const siblings = children.get(parentId);
    if (siblings === undefined) children.set(parentId, [operation]);
    else siblings.push(operation);
  }
  return children;
}

function joined(stretches: Stretch[]): Stretch[] {
  const result: [number, number][] = [];
  for (const [from, until] of stretches.sort(([a], [b]) => a - b)) {
    const last = result.at(-1);
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], until);
    else result.push([from, until]);
  }
  return result;
}

/** Milliseconds that people count in, beyond a second. */
const STEPS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 43_200,
].map((seconds) => seconds * 1_000);
/** A share of the line behind which there is no room for a text. */
const LAST = 0.93;

/** Round numbers of milliseconds for the axis. */
export function ticksOf(span: number, most = 6): number[] {
  const least = span / most;
  const power = 10 ** Math.floor(Math.log10(least));
  const decimal = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= least);
  const step = (least > 500 ? STEPS.find((each) => each >= least) : decimal) ?? decimal ?? least;
  const count = Math.floor((span * LAST) / step) + 1;
  return Array.from({ length: count }, (_, index) => Number((index * step).toPrecision(6)));
}
