import type { Sort } from '../../api-types.js';
import type { Column } from './columns.js';
import { Icon } from './icons.js';

interface GridHeadProps {
  readonly columns: readonly Column[];
  readonly sort: Sort;
  readonly descending: boolean;
  readonly onSort: (sort: Sort, descending: boolean) => void;
}

const NAME = { key: 'name', label: 'Name', sort: 'name' } as const;

/** The names of the columns, by which a table is sorted. */
export function GridHead({ columns, sort, descending, onSort }: GridHeadProps) {
  const heads: readonly Omit<Column, 'cell'>[] = [NAME, ...columns];
  return (
    <div class="head" role="rowgroup">
      <div class="heads" role="row" aria-rowindex={1}>
        {heads.map(({ key, label, sort: by, isInverse = false }) => {
          const isSorted = by === sort;
          const isDown = isSorted && descending !== isInverse;
          return (
            <div
              key={key}
              class={`cell ${key}`}
              role="columnheader"
              aria-sort={isSorted ? (isDown ? 'descending' : 'ascending') : undefined}
            >
              {by === undefined ? (
                label
              ) : (
                <button
                  type="button"
                  class="sort"
                  onClick={() =>
                    onSort(by, isSorted ? !descending : isInverse ? false : by === 'progress')
                  }
                >
                  {label}
                  {isSorted && <Icon name={isDown ? 'down' : 'up'} />}
                </button>
              )}
            </div>
          );
        })}
        <div class="cell action" role="columnheader">
          <span class="unseen">Action</span>
        </div>
      </div>
    </div>
  );
}
