import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  duration,
  type OperationFilter,
  OperationRegistry,
  type OperationSnapshot,
} from 'nestjs-cancelable';

const NAMES = ['read', 'write', 'rewrite'] as const;
const TAGS = ['slow', 'fast', 'night'] as const;
const KINDS = ['task', 'job', 'cron'] as const;
const name = fc.constantFrom(...NAMES);
const tag = fc.constantFrom(...TAGS);
const kind = fc.constantFrom(...KINDS);
const metadata = fc.record(
  {
    owner: fc.constantFrom('ann', 'bob'),
    tenant: fc.constantFrom({ id: 1 }, { id: 2 }),
  },
  { requiredKeys: [], noNullPrototype: true },
);
const status = fc.constantFrom(
  'running' as const,
  'canceling' as const,
  'completed' as const,
  'failed' as const,
  'canceled' as const,
);
const reason = fc.constantFrom('manual' as const, 'shutdown' as const, 'parent' as const);
const oneOrMore = <Value>(value: fc.Arbitrary<Value>) =>
  fc.oneof(value, fc.array(value, { minLength: 1, maxLength: 3 }));

const given = metadata.filter((subset) => Object.keys(subset).length > 0);

const keys = {
  /** Taken from the operation at that place. */
  nth: fc.record({
    key: fc.constantFrom('id' as const, 'parentId' as const, 'rootId' as const, 'since' as const),
    at: fc.nat(20),
  }),
  status: oneOrMore(status),
  reason: oneOrMore(reason),
  name: fc.oneof(name, fc.constantFrom(/write/, /^re/g, /WRITE$/i)),
  kind,
  tag,
  metadata: given,
  limit: fc.integer({ min: 0, max: 6 }),
  where: fc.constant((operation: OperationSnapshot) => operation.tags.length > 1),
};
type Keys = {
  [Key in keyof typeof keys]?: (typeof keys)[Key] extends fc.Arbitrary<infer V> ? V : never;
};

/** A few keys at a time: all of them together match nothing. */
const filters = fc
  .tuple(fc.record(keys), fc.subarray(Object.keys(keys), { maxLength: 3 }))
  .map(([all, chosen]): Keys =>
    Object.fromEntries(Object.entries(all).filter(([key]) => chosen.includes(key))),
  );

const operations = fc.array(
  fc.record({
    name,
    kind,
    tags: fc.uniqueArray(tag, { maxLength: 2 }),
    metadata,
    inside: fc.boolean(),
    end: fc.constantFrom('live', 'live', 'complete', 'fail', 'cancel', 'cancel and go on'),
    reason: fc.constantFrom('manual' as const, 'shutdown' as const),
  }),
  { minLength: 1, maxLength: 14, size: 'max' },
);

/** The filter in the words of its documentation, without any haste. */
function matches(filter: OperationFilter, snapshot: OperationSnapshot): boolean {
  const among = (wanted: unknown, value: unknown) =>
    wanted === undefined || (Array.isArray(wanted) ? wanted : [wanted]).includes(value);
  const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
  return (
    among(filter.id, snapshot.id) &&
    among(filter.parentId, snapshot.parentId) &&
    among(filter.rootId, snapshot.rootId) &&
    among(filter.status, snapshot.status) &&
    among(filter.reason, snapshot.reason) &&
    among(filter.kind, snapshot.kind) &&
    (typeof filter.name === 'object'
      ? snapshot.name.search(filter.name) >= 0
      : among(filter.name, snapshot.name)) &&
    (filter.tag === undefined || snapshot.tags.includes(filter.tag)) &&
    Object.entries(filter.metadata ?? {}).every(([key, value]) =>
      same(snapshot.metadata[key], value),
    ) &&
    (filter.since === undefined || Date.parse(snapshot.startedAt) >= filter.since.getTime()) &&
    (filter.where === undefined || filter.where(snapshot))
  );
}

const naive = (filter: OperationFilter, all: readonly OperationSnapshot[]) => {
  const found = all.filter((each) => matches(filter, each)).map(({ id }) => id);
  const { limit = Infinity } = filter;
  return found.slice(Math.max(0, found.length - limit));
};

describe('a filter, over live and remembered operations', () => {
  it('finds what a plain comparison of snapshots finds, in the same order', async () => {
    let found = 0;
    let missed = 0;
    await fc.assert(
      fc.asyncProperty(operations, fc.array(filters, { maxLength: 6 }), async (specs, asked) => {
        const registry = new OperationRegistry({
          logger: { debug() {}, warn() {}, error() {} },
        });
        const handles: ReturnType<OperationRegistry['start']>[] = [];
        for (const { end: _end, reason: _reason, inside, ...options } of specs) {
          const start = () => void handles.push(registry.start(options));
          const last = handles.at(-1);
          if (inside && last !== undefined) last.run(start).catch(() => {});
          else start();
        }
        specs.forEach(({ end, reason: why }, index) => {
          const handle = handles[index];
          if (end.startsWith('cancel')) handle!.operation.cancel({ reason: why });
          if (end === 'complete' || end === 'cancel') void handle!.complete(index);
          if (end === 'fail') void handle!.fail(new Error('broken'));
        });
        await new Promise(setImmediate);
        const live = registry.list().map((each) => each.snapshot());
        const past = registry.history();
        expect(live.length + past.length).toBe(specs.length);
        for (const { nth, ...rest } of asked) {
          const all = [...live, ...past];
          const one = all[(nth?.at ?? 0) % all.length];
          const filter: OperationFilter = { ...rest };
          if (nth?.key === 'since') filter.since = new Date(one!.startedAt);
          else if (nth?.key === 'parentId') filter.parentId = one!.parentId ?? 'none';
          else if (nth !== undefined) filter[nth.key] = one!.id;
          const wanted = naive(filter, live);
          expect(registry.list(filter).map(({ id }) => id)).toEqual(wanted);
          expect(registry.history(filter).map(({ id }) => id)).toEqual(naive(filter, past));
          found += wanted.length;
          missed += live.length - wanted.length;
        }
        const kept = asked[0];
        if (kept !== undefined) {
          const { nth: _nth, limit: _limit, ...filter } = kept;
          const doomed = naive(filter, past);
          expect(registry.clearHistory(filter)).toBe(doomed.length);
          const left = past.filter(({ id }) => !doomed.includes(id)).map(({ id }) => id);
          expect(registry.history().map(({ id }) => id)).toEqual(left);
        }
        registry.cancelAll({});
        for (const handle of handles) void handle.complete();
      }),
      { seed: 20_251, numRuns: 300 },
    );
    expect(found).toBeGreaterThan(100);
    expect(missed).toBeGreaterThan(100);
  });
});

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const YEAR = 31_557_600_000;

describe('durations', () => {
  it('are a count and a unit', () => {
    const units = fc.constantFrom(...(Object.keys(UNITS) as (keyof typeof UNITS)[]));
    const counts = fc.integer({ min: 1, max: 365 });
    fc.assert(
      fc.property(counts, units, fc.constantFrom('', ' '), (count, unit, space) => {
        expect(duration(`${count}${space}${unit}`)).toBe(count * UNITS[unit]);
      }),
      { seed: 20_251, numRuns: 300 },
    );
  });

  it('are a number exactly if it is more than 0 and at most a year', () => {
    fc.assert(
      fc.property(fc.double(), (number) => {
        if (number > 0 && number <= YEAR) expect(duration(number)).toBe(number);
        else expect(() => duration(number)).toThrow(TypeError);
      }),
      { seed: 20_251, numRuns: 1_000 },
    );
  });

  it('are never anything but a usable number, whatever the text', () => {
    const texts = fc.oneof(
      fc.string(),
      fc.double().map(String),
      fc
        .tuple(fc.double(), fc.constantFrom('ms', 's', 'y', ' h', 'x', ''))
        .map((all) => all.join('')),
    );
    fc.assert(
      fc.property(texts, (text) => {
        let parsed: number;
        try {
          parsed = duration(text);
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError);
          expect((error as Error).message).toContain('Allowed: ');
          return;
        }
        expect(parsed).toBeGreaterThan(0);
        expect(parsed).toBeLessThanOrEqual(YEAR);
        expect(Number.isNaN(Number(text))).toBe(true);
      }),
      { seed: 20_251, numRuns: 1_000 },
    );
  });
});
