import { useState } from 'preact/hooks';
import type { Sort } from '../../api-types.js';
import { cancelRequest } from '../data/cancel-requests.js';
import { useListState } from '../data/list-state.js';
import { useLiveRows } from '../data/live-rows.js';
import { session } from '../data/session.js';
import { useStore } from '../data/store.js';
import { columnsOf } from '../parts/columns.js';
import { Completeness, Failure } from '../parts/completeness.js';
import { FilterBar } from '../parts/filter-bar.js';
import { Icon } from '../parts/icons.js';
import { OperationGrid } from '../parts/operation-grid.js';
import { InstanceSwitch, Segments } from '../parts/segments.js';
import { LiveCount } from './live-count.js';

/** The longest running first: what is stuck is on top, and rows do not jump. */
const DEFAULTS = { sort: 'startedAt', descending: false } as const;

const latestOf = (id: string) => session.live.latest(id);

export function LiveView() {
  const [state, change] = useListState('live', DEFAULTS);
  const { query, all, tree, sort, descending } = state;
  const [collapsed, setCollapsed] = useState<ReadonlySet<string>>(new Set());
  const { rows, matching, total, partly, polled } = useLiveRows(state, collapsed);
  const isConnected = useStore(session.connection) === 'live';
  const isCluster = useStore(session.info)?.cluster === true;
  const columns = columnsOf('live', all);
  const isFiltered = Object.values(query).some((value) => value !== undefined);
  const toggle = (id: string) => {
    const next = new Set(collapsed);
    if (!next.delete(id)) next.add(id);
    setCollapsed(next);
  };
  const parents = () =>
    rows.filter(({ children }) => children > 0).map(({ operation }) => operation.id);
  // A button that could do nothing is absent.
  const isCancelable = rows.some(({ operation, isContext }) => operation.cancelable && !isContext);
  return (
    <main id="main" tabIndex={-1} class="list-view">
      <h1 class="unseen">Live operations</h1>
      <FilterBar list="live" query={query} onChange={(changed) => change({ query: changed })} />
      <div class="bar">
        <LiveCount {...{ matching, total, partly, isFiltered }} />
        <div class="tools">
          {isCluster && <InstanceSwitch all={all} onChange={(chosen) => change({ all: chosen })} />}
          <Segments
            label="Layout"
            options={{ list: 'List', tree: 'Tree' }}
            value={tree ? 'tree' : 'list'}
            onChange={(chosen) => change({ tree: chosen === 'tree' })}
          />
          {tree && (
            <button
              type="button"
              class="quiet"
              onClick={() => setCollapsed(collapsed.size > 0 ? new Set() : new Set(parents()))}
            >
              {collapsed.size > 0 ? 'Expand all' : 'Collapse all'}
            </button>
          )}
          <SortChoice
            sort={sort}
            descending={descending}
            onSort={(by, down) => change({ sort: by, descending: down })}
          />
          {isCancelable && (
            <button
              type="button"
              class="danger outline"
              onClick={() => cancelRequest.set({ what: 'many', query, all })}
            >
              <Icon name="stop" />
              Cancel matching…
            </button>
          )}
        </div>
      </div>
      {all && <Completeness {...polled.answer} />}
      {all && <Failure error={polled.error} />}
      <OperationGrid
        label="Live operations"
        list="live"
        {...{ columns, rows, all, sort, descending, toggle }}
        isTree={tree}
        {...(all ? {} : { latest: latestOf })}
        onSort={(by, down) => change({ sort: by, descending: down })}
        empty={emptyText(total, isFiltered)}
        isStale={all ? polled.error !== undefined : !isConnected}
      />
    </main>
  );
}

function emptyText(total: number | undefined, isFiltered: boolean): string {
  if (total === undefined) return 'Listing what runs…';
  return isFiltered ? 'Nothing that runs matches the filter.' : 'Nothing runs now.';
}

const SORTS: readonly (readonly [string, Sort, boolean])[] = [
  ['Oldest first', 'startedAt', false],
  ['Newest first', 'startedAt', true],
  ['Name', 'name', false],
  ['Status', 'status', false],
  ['Deadline', 'deadline', false],
  ['Progress', 'progress', true],
];

interface SortChoiceProps {
  readonly sort: Sort;
  readonly descending: boolean;
  readonly onSort: (sort: Sort, descending: boolean) => void;
}

/** On a phone, where there are no heads of columns. */
function SortChoice({ sort, descending, onSort }: SortChoiceProps) {
  const current = SORTS.findIndex(([, by, down]) => by === sort && down === descending);
  return (
    <select
      class="narrow-only"
      aria-label="Sort by"
      value={String(current)}
      onChange={({ currentTarget }) => {
        const [, by, down] = SORTS[Number(currentTarget.value)] ?? SORTS[0] ?? [];
        if (by !== undefined) onSort(by, down ?? false);
      }}
    >
      {current < 0 && <option value="-1">Other order</option>}
      {SORTS.map(([label], index) => (
        <option key={label} value={String(index)} selected={index === current}>
          {label}
        </option>
      ))}
    </select>
  );
}
