import type { ComponentChildren } from 'preact';
import { useRef } from 'preact/hooks';
import type { DashboardOperation, Sort } from '../../api-types.js';
import { cancelRequest } from '../data/cancel-requests.js';
import { go } from '../data/location.js';
import { useNarrow } from '../data/media.js';
import type { GridRow } from '../logic/grid-row.js';
import { operationHash } from '../logic/route.js';
import type { Column } from './columns.js';
import { GridHead } from './grid-head.js';
import { handleGridKey } from './grid-keys.js';
import { OperationRow } from './operation-row.js';
import { useActiveRow } from './use-active-row.js';
import { useWindow } from './use-window.js';

/** Pixels; the same as in the styles. */
const ROW = 44;
const CARD = 104;

interface OperationGridProps {
  readonly label: string;
  readonly list: 'live' | 'history';
  readonly columns: readonly Column[];
  readonly rows: readonly GridRow[];
  readonly isTree: boolean;
  readonly all: boolean;
  readonly sort: Sort;
  readonly descending: boolean;
  readonly onSort: (sort: Sort, descending: boolean) => void;
  readonly toggle: (id: string) => void;
  /** An operation as it is by now, where that is known before the rows are. */
  readonly latest?: (id: string) => DashboardOperation | undefined;
  /** Said where there is no row. */
  readonly empty: ComponentChildren;
  /** What is shown is not known to be true any more. */
  readonly isStale: boolean;
}

/** A table of operations, of which only the rows that are seen exist. */
export function OperationGrid(props: OperationGridProps) {
  const { rows, columns, isTree, all, toggle, latest } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const height = useNarrow() ? CARD : ROW;
  const { first, until } = useWindow(scroller, rows.length, height);
  const { active, setActive, moveTo } = useActiveRow(rows, scroller, height);

  const onKeyDown = (event: KeyboardEvent) => {
    const target = event.target as HTMLElement;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const row = target.closest<HTMLElement>('.row');
    // Enter on a link or a button is theirs.
    if (row === null || (target !== row && event.key === 'Enter')) return;
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / height) - 2);
    const isMeant = handleGridKey(event.key, rows, active, page, isTree, {
      move: (index) => moveTo(rows[index]?.operation.id),
      open: ({ operation }) => go(operationHash(operation.id, all)),
      cancel: ({ operation }) => {
        if (operation.cancelable) cancelRequest.set({ what: 'one', operation, all });
      },
      toggle,
    });
    if (isMeant) event.preventDefault();
  };
  const onFocusIn = ({ target }: FocusEvent) => {
    const id = (target as HTMLElement).closest<HTMLElement>('.row')?.dataset['id'];
    if (id !== undefined) setActive(id);
  };

  const shown = Array.from({ length: Math.max(0, until - first) }, (_, index) => first + index);
  // The active row exists even where it is not seen, so that it keeps the focus.
  if (active >= 0 && (active < first || active >= until)) shown.push(active);
  return (
    <div
      ref={scroller}
      class={`grid ${props.list} ${all ? 'instances' : ''} ${props.isStale ? 'stale' : ''}`}
      role={isTree ? 'treegrid' : 'grid'}
      aria-label={props.label}
      aria-rowcount={rows.length + 1}
      aria-busy={props.isStale}
      onKeyDown={onKeyDown}
      onFocusIn={onFocusIn}
    >
      <GridHead {...props} />
      {rows.length === 0 ? (
        <div class="empty" role="rowgroup">
          <div role="row">
            <div role="gridcell">{props.empty}</div>
          </div>
        </div>
      ) : (
        <div class="rows" role="rowgroup" style={{ height: `${rows.length * height}px` }}>
          {shown.map((index) => {
            const placed = rows[index];
            if (placed === undefined) return null;
            const { id } = placed.operation;
            const row = { ...placed, operation: latest?.(id) ?? placed.operation };
            const isActive = index === active || (active < 0 && index === 0);
            return (
              <OperationRow
                key={id}
                {...{ row, index, height, columns, isTree, all, toggle, isActive }}
              />
            );
          })}
        </div>
      )}
    </div>
  );
}
