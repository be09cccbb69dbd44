import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SORTS } from '../../../lib/dashboard/api-types.js';
import {
  describeQuery,
  type ListState,
  readListState,
  writeListState,
} from '../../../lib/dashboard/page/logic/list-state.js';
import { hashOf, operationHash, readRoute } from '../../../lib/dashboard/page/logic/route.js';
import { parseSpan, writeSpan } from '../../../lib/dashboard/page/logic/span.js';

const DEFAULTS = { sort: 'startedAt', descending: true } as const;

const text = fc
  .string({ minLength: 1, maxLength: 256, unit: 'grapheme' })
  .filter((value) => value.length <= 256);
const query = fc.record(
  {
    text,
    tag: text,
    name: text,
    status: fc.constantFrom(['running'], ['running', 'canceling']),
    reason: fc.constant(['timeout', 'manual']),
    kind: fc.constant(['http']),
    olderThan: fc.integer({ min: 0, max: 1e8 }),
    zombie: fc.constant(true),
  },
  { requiredKeys: [] },
);

describe('The address of a list', () => {
  it('says everything that the list shows', () => {
    fc.assert(
      fc.property(
        query,
        fc.constantFrom(...SORTS),
        fc.boolean(),
        fc.boolean(),
        fc.integer({ min: 0, max: 10_000 }),
        (wanted, sort, descending, flag, offset) => {
          const state: ListState = {
            ...{ query: wanted, sort, descending, offset },
            ...{ all: flag, tree: !flag },
          };
          const { params } = readRoute(hashOf('live', writeListState(state, DEFAULTS)));
          expect(readListState(params, DEFAULTS)).toEqual(state);
        },
      ),
    );
  });

  it('leaves out what is usual, and takes no notice of nonsense', () => {
    const usual = readListState(new URLSearchParams('sort=shoes&offset=-3&olderThan=x'), DEFAULTS);

    expect(usual).toEqual({ query: {}, ...DEFAULTS, all: false, tree: false, offset: 0 });
    expect(writeListState(usual, DEFAULTS).toString()).toBe('');
  });

  it('is said in words before anything is canceled by it', () => {
    expect(
      describeQuery({ text: 'import', status: ['running', 'canceling'], olderThan: 300_000 }),
    ).toBe('“import”, status running or canceling, older than 5 m 00 s');
  });
});

describe('The address of an operation', () => {
  it('holds any id', () => {
    fc.assert(
      fc.property(text, fc.boolean(), (id, all) => {
        const route = readRoute(operationHash(id, all));
        expect(route).toMatchObject({ view: 'operation', id });
        expect(route.params.get('instances')).toBe(all ? 'all' : null);
      }),
    );
  });

  it.each(['', '#', '#/', '#/nowhere', '#/operation', '#/operation/'])(
    'is that of the live table where there is none: %s',
    (hash) => {
      expect(readRoute(hash).view).toBe('live');
    },
  );
});

describe('A span of time', () => {
  it('is written as short as it is exact', () => {
    expect([0, 1, 1_500, 90_000, 300_000, 7_200_000].map(writeSpan)).toEqual([
      '0ms',
      '1ms',
      '1500ms',
      '90s',
      '5m',
      '2h',
    ]);
  });

  it.each([
    ['5m', 300_000],
    ['1.5s', 1_500],
    ['250', 250],
    [' 2 h ', 7_200_000],
    ['-1s', undefined],
    ['soon', undefined],
    ['', undefined],
  ])('is read: %s', (written, span) => {
    expect(parseSpan(written)).toBe(span);
  });
});
