import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { DashboardOperation } from '../../../lib/dashboard/api-types.js';
import { SORTS } from '../../../lib/dashboard/api-types.js';
import { comparatorOf, matches } from '../../../lib/dashboard/matches.js';
import { Arrangement } from '../../../lib/dashboard/page/logic/arrangement.js';
import { BEGIN, iso, operationOf } from './support.js';

const change = fc.record({
  id: fc.integer({ min: 0, max: 20 }).map(String),
  ends: fc.boolean(),
  percent: fc.integer({ min: 0, max: 100 }),
  startedAt: fc.integer({ min: 0, max: 5 }),
  name: fc.constantFrom('import', 'export'),
});

describe('The order of the live table', () => {
  it('is the same, whether all is sorted or only what has changed is put in its place', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(change, { maxLength: 8 }), { maxLength: 12 }),
        fc.constantFrom(...SORTS),
        fc.boolean(),
        fc.constantFrom({}, { text: 'import' }),
        (batches, sort, descending, query) => {
          const arrangement = new Arrangement(query, sort, descending);
          const all = new Map<string, DashboardOperation>();
          for (const batch of batches) {
            const touched = new Set<string>();
            for (const { id, ends, percent, startedAt, name } of batch) {
              touched.add(id);
              if (ends) all.delete(id);
              else {
                const progress = { percent, at: 0, operationId: id, operationName: name };
                all.set(id, operationOf(id, { name, startedAt: iso(startedAt), progress }));
              }
            }
            const arranged = arrangement.arrange(all, touched, BEGIN);

            const compare = comparatorOf(sort);
            const expected = [...all.values()]
              .filter((operation) => matches(query, operation, BEGIN))
              .sort((a, b) => (descending ? compare(b, a) : compare(a, b)));
            expect(arranged).toEqual(expected);
          }
        },
      ),
    );
  });

  it('is made anew where all may have changed', () => {
    const arrangement = new Arrangement({ olderThan: 1_000 }, 'startedAt', false);
    const all = new Map([['a', operationOf('a')]]);

    expect(arrangement.arrange(all, new Set(), BEGIN)).toEqual([]);
    expect(arrangement.arrange(all, new Set(), BEGIN + 1_000)).toEqual([]);
    expect(arrangement.arrange(all, undefined, BEGIN + 1_000)).toEqual([all.get('a')]);
  });
});
