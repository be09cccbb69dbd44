import type { OperationPage } from '../../api-types.js';
import { useListState } from '../data/list-state.js';
import { usePolled } from '../data/poll.js';
import { session } from '../data/session.js';
import { useStore } from '../data/store.js';
import { countOf, formatCount } from '../logic/format.js';
import { flatRow } from '../logic/grid-row.js';
import { type ListState, queryParams } from '../logic/list-state.js';
import { columnsOf } from '../parts/columns.js';
import { Completeness, Failure } from '../parts/completeness.js';
import { FilterBar } from '../parts/filter-bar.js';
import { OperationGrid } from '../parts/operation-grid.js';
import { InstanceSwitch } from '../parts/segments.js';

const DEFAULTS = { sort: 'endedAt', descending: true } as const;
const PAGE = 100;
/** Milliseconds after which the first page is read again; others would move while one reads them. */
const REFRESH = 3_000;

export function HistoryView() {
  const [state, change] = useListState('history', DEFAULTS);
  const { query, all, sort, descending, offset } = state;
  const { answer, error } = usePolled<OperationPage>(
    'history',
    searchOf(state),
    offset === 0 ? REFRESH : undefined,
  );
  const isCluster = useStore(session.info)?.cluster === true;
  const rows = (answer?.operations ?? []).map(flatRow);
  const total = answer?.total ?? 0;
  return (
    <main id="main" tabIndex={-1} class="list-view">
      <h1 class="unseen">History</h1>
      <FilterBar
        list="history"
        query={query}
        onChange={(changed) => change({ query: changed, offset: 0 })}
      />
      <div class="bar">
        <p class="count" role="status">
          {answer === undefined ? 'Reading…' : countOf(total, 'ended operation')}
        </p>
        <div class="tools">
          {isCluster && (
            <InstanceSwitch all={all} onChange={(chosen) => change({ all: chosen, offset: 0 })} />
          )}
          <Pager {...{ offset, total }} onChange={(next) => change({ offset: next })} />
        </div>
      </div>
      <Completeness {...answer} />
      <Failure error={error} />
      <OperationGrid
        label="Ended operations"
        list="history"
        columns={columnsOf('history', all)}
        {...{ rows, all, sort, descending }}
        isTree={false}
        toggle={() => undefined}
        onSort={(by, down) => change({ sort: by, descending: down, offset: 0 })}
        empty={answer === undefined ? 'Reading…' : 'Nothing that is remembered matches.'}
        isStale={error !== undefined}
      />
    </main>
  );
}

function searchOf({ query, all, sort, descending, offset }: ListState): string {
  return new URLSearchParams({
    ...queryParams(query),
    ...{ sort, order: descending ? 'desc' : 'asc', limit: String(PAGE), offset: String(offset) },
    ...(all ? { instances: 'all' } : {}),
  }).toString();
}

interface PagerProps {
  readonly offset: number;
  readonly total: number;
  readonly onChange: (offset: number) => void;
}

function Pager({ offset, total, onChange }: PagerProps) {
  if (total <= PAGE && offset === 0) return null;
  const last = Math.min(total, offset + PAGE);
  return (
    <nav class="pager" aria-label="Pages">
      <button
        type="button"
        disabled={offset === 0}
        onClick={() => onChange(Math.max(0, offset - PAGE))}
      >
        Previous
      </button>
      <span class="number">
        {formatCount(Math.min(offset + 1, total))}–{formatCount(last)}
      </span>
      <button type="button" disabled={last >= total} onClick={() => onChange(offset + PAGE)}>
        Next
      </button>
    </nav>
  );
}
