import { describe, expect, it } from '@jest/globals';
import type { DashboardOperation } from '../../../lib/dashboard/api-types.js';
import { comparatorOf } from '../../../lib/dashboard/matches.js';
import { flattenTree } from '../../../lib/dashboard/page/logic/tree.js';
import { iso, operationOf } from './support.js';

const compare = comparatorOf('startedAt');
const byId = (operations: DashboardOperation[]) =>
  new Map(operations.map((operation) => [operation.id, operation]));

const root = operationOf('root', { startedAt: iso(1) });
const first = operationOf('first', { parentId: 'root', startedAt: iso(2) });
const leaf = operationOf('leaf', { parentId: 'first', startedAt: iso(4) });
const second = operationOf('second', { parentId: 'root', startedAt: iso(3) });
const other = operationOf('other', { startedAt: iso(0) });
const all = byId([root, first, leaf, second, other]);

const linesOf = (matching: DashboardOperation[], collapsed: string[] = []) =>
  flattenTree([...matching].sort(compare), all, compare, new Set(collapsed)).map(
    ({ operation, depth, isContext }) =>
      `${'  '.repeat(depth)}${operation.id}${isContext ? ' (context)' : ''}`,
  );

describe('The tree of the live table', () => {
  it('has each operation below its parent, and siblings in order', () => {
    expect(linesOf([...all.values()])).toEqual([
      'other',
      'root',
      '  first',
      '    leaf',
      '  second',
    ]);
  });

  it('hides what is below a collapsed one', () => {
    expect(linesOf([...all.values()], ['first'])).toEqual(['other', 'root', '  first', '  second']);
  });

  it('shows above one that matches what it belongs to', () => {
    expect(linesOf([leaf])).toEqual(['root (context)', '  first (context)', '    leaf']);
  });

  it('shows as roots those whose parents are not known, or make a circle', () => {
    const orphan = operationOf('orphan', { parentId: 'gone' });
    const own = operationOf('own', { parentId: 'own' });
    const rows = flattenTree([orphan, own], byId([orphan, own]), compare, new Set());

    expect(rows.map(({ operation, depth }) => [operation.id, depth])).toEqual([
      ['orphan', 0],
      ['own', 0],
    ]);
  });

  it('is as deep as it has to be', () => {
    const chain = Array.from({ length: 20_000 }, (_, index) =>
      operationOf(
        `${index}`,
        index === 0 ? {} : { parentId: `${index - 1}`, startedAt: iso(index) },
      ),
    );

    const rows = flattenTree(chain, byId(chain), compare, new Set());

    expect(rows).toHaveLength(20_000);
    expect(rows.at(-1)?.depth).toBe(19_999);
  });
});
