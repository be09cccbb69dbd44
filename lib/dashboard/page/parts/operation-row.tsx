import { Component } from 'preact';
import { cancelRequest } from '../data/cancel-requests.js';
import type { GridRow } from '../logic/grid-row.js';
import { clip, visibleText } from '../logic/visible-text.js';
import type { Column } from './columns.js';
import { Icon } from './icons.js';
import { OperationLink } from './link.js';

/** Deeper than this, a number says how deep. */
const DEEPEST = 8;

export interface OperationRowProps {
  readonly row: GridRow;
  readonly index: number;
  /** Pixels. */
  readonly height: number;
  readonly columns: readonly Column[];
  readonly isTree: boolean;
  readonly all: boolean;
  /** The one that Tab leads to. */
  readonly isActive: boolean;
  readonly toggle: (id: string) => void;
}

const FIRST_ROW = 2;

/** Rendered anew only when what it shows is another. */
export class OperationRow extends Component<OperationRowProps> {
  override shouldComponentUpdate(next: OperationRowProps): boolean {
    const { row, ...rest } = this.props;
    const { row: nextRow, ...nextRest } = next;
    return isDifferent(rest, nextRest) || isDifferent(row, nextRow);
  }

  override render() {
    const { row, index, height, columns, isTree, all, isActive } = this.props;
    const { operation, depth, children, expanded, isContext } = row;
    const tree = isTree
      ? { 'aria-level': depth + 1, ...(children > 0 ? { 'aria-expanded': expanded } : {}) }
      : {};
    return (
      <div
        role="row"
        aria-rowindex={index + FIRST_ROW}
        {...tree}
        class={`row ${operation.status} ${isContext ? 'context' : ''}`}
        data-id={operation.id}
        tabIndex={isActive ? 0 : -1}
        style={{ transform: `translateY(${index * height}px)`, height: `${height}px` }}
      >
        <div role="gridcell" class="cell name">
          {isTree && this.indent()}
          <OperationLink
            id={operation.id}
            name={operation.name}
            all={all}
            tabIndex={isActive ? 0 : -1}
          />
        </div>
        {columns.map((column) => (
          <div role="gridcell" class={`cell ${column.key}`} key={column.key}>
            {column.cell(operation)}
          </div>
        ))}
        <div role="gridcell" class="cell action">
          {operation.cancelable && (
            <button
              type="button"
              class="quiet"
              tabIndex={isActive ? 0 : -1}
              aria-label={`Cancel ${visibleText(clip(operation.name, 100))}`}
              onClick={() => cancelRequest.set({ what: 'one', operation, all })}
            >
              <Icon name="stop" />
              Cancel
            </button>
          )}
        </div>
      </div>
    );
  }

  private indent() {
    const { operation, depth, children, expanded } = this.props.row;
    return (
      <span class="indent" style={{ '--depth': String(Math.min(depth, DEEPEST)) }}>
        {depth > DEEPEST && <span class="depth">{depth}</span>}
        {children > 0 && (
          <button
            type="button"
            class="twist"
            tabIndex={-1}
            aria-label={expanded ? 'Collapse' : 'Expand'}
            onClick={() => this.props.toggle(operation.id)}
          >
            <Icon name="chevron" />
          </button>
        )}
      </span>
    );
  }
}

function isDifferent<Props extends object>(before: Props, after: Props): boolean {
  return (Object.keys(after) as (keyof Props)[]).some((key) => before[key] !== after[key]);
}
