import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { DashboardOperation, OperationPage } from '../../api-types.js';
import { Arrangement } from '../logic/arrangement.js';
import { flatRow, type GridRow } from '../logic/grid-row.js';
import { type ListState, queryParams } from '../logic/list-state.js';
import { flattenTree } from '../logic/tree.js';
import { clock } from './clock.js';
import { type Polled, usePolled } from './poll.js';
import { MOST_HELD, session } from './session.js';
import { useStore } from './store.js';

/** Milliseconds between two arrangements; between them, rows change where they stand. */
const ARRANGE = 400;
/** The same while a filter depends on the time that passes. */
const LOOK = 1_000;
const POLL = 3_000;
/** Operations of all instances that are asked for at once. */
const MOST = 2_000;

export interface LiveRows {
  readonly rows: readonly GridRow[];
  readonly matching: number;
  readonly total: number | undefined;
  /** How many are held, where there are more than that. */
  readonly partly: number | undefined;
  /** What was asked of all instances; of this one only, nothing is. */
  readonly polled: Polled<OperationPage>;
}

/** The rows of the live table: of the feed, or of all instances, asked every three seconds. */
export function useLiveRows(state: ListState, collapsed: ReadonlySet<string>): LiveRows {
  const { all, query, sort, descending, tree } = state;
  const search = new URLSearchParams({
    ...queryParams(query),
    ...{ instances: 'all', sort, order: descending ? 'desc' : 'asc', limit: String(MOST) },
  }).toString();
  const polled = usePolled<OperationPage>(all ? 'operations' : undefined, search, POLL);
  const operations = useMemo(
    () => new Map((polled.answer?.operations ?? []).map((each) => [each.id, each])),
    [polled.answer],
  );
  const known = all ? operations : session.live.all;
  const version = useStore(session.live);
  const total = useStore(session.total);
  const key = JSON.stringify([query, sort, descending]);
  const arrangement = useMemo(() => new Arrangement(query, sort, descending), [key]);
  const arranged = useArranged(known, arrangement, version, query.olderThan !== undefined);
  const rows = useMemo(
    () =>
      tree ? flattenTree(arranged, known, arrangement.compare, collapsed) : arranged.map(flatRow),
    [arranged, tree, collapsed],
  );
  const held = known.size;
  const isPartial = all ? (polled.answer?.total ?? 0) > held : (total ?? 0) > MOST_HELD;
  return {
    partly: isPartial ? held : undefined,
    rows,
    matching: all ? (polled.answer?.total ?? 0) : arranged.length,
    total: all ? polled.answer?.total : total === undefined ? undefined : held,
    polled,
  };
}

/** Those that match, in order; arranged anew a few times a second at most. */
function useArranged(
  known: ReadonlyMap<string, DashboardOperation>,
  arrangement: Arrangement,
  version: number,
  ages: boolean,
): readonly DashboardOperation[] {
  const last = useRef<
    | {
        known: typeof known;
        arrangement: Arrangement;
        version: number;
        at: number;
        result: readonly DashboardOperation[];
      }
    | undefined
  >(undefined);
  const [, arrangeAgain] = useState(0);
  const now = performance.now();
  const before = last.current;
  const isOther = before?.known !== known || before.arrangement !== arrangement;
  const isDue = before !== undefined && now - before.at >= ARRANGE;
  const isOld = before !== undefined && ages && now - before.at >= LOOK;
  if (before === undefined || isOther || isOld || (isDue && before.version !== version)) {
    const isFeed = known === session.live.all;
    const touched = isFeed ? session.live.takeTouched() : undefined;
    const isPartial = !isOther && !isOld;
    const result = arrangement.arrange(known, isPartial ? touched : undefined, clock.now());
    last.current = { known, arrangement, version, at: performance.now(), result };
  }
  const isBehind = last.current?.version !== version;
  useEffect(() => {
    if (!isBehind && !ages) return undefined;
    const timer = window.setTimeout(
      () => arrangeAgain((count) => count + 1),
      isBehind ? ARRANGE : LOOK,
    );
    return () => window.clearTimeout(timer);
  }, [isBehind, ages, last.current?.at]);
  return last.current?.result ?? [];
}
