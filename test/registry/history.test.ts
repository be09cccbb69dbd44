import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { OperationRegistry } from 'nestjs-cancelable';

afterEach(() => {
  jest.useRealTimers();
});

async function runAll(registry: OperationRegistry, ...names: string[]) {
  for (const name of names) await registry.run(name, () => {});
}

const namesOf = (registry: OperationRegistry) => registry.history().map(({ name }) => name);

describe('rule 25: history is a bounded ring', () => {
  it('keeps the newest, oldest first', async () => {
    const registry = new OperationRegistry({ history: { limit: 3 } });
    await runAll(registry, 'a', 'b', 'c', 'd', 'e');
    expect(namesOf(registry)).toEqual(['c', 'd', 'e']);
    expect(registry.history({ limit: 2 }).map(({ name }) => name)).toEqual(['d', 'e']);
  });

  it('goes on in order after some were forgotten', async () => {
    const registry = new OperationRegistry({ history: { limit: 3 } });
    await runAll(registry, 'a', 'b', 'c', 'd');
    expect(registry.clearHistory({ name: 'c' })).toBe(1);
    await runAll(registry, 'e', 'f');
    expect(namesOf(registry)).toEqual(['d', 'e', 'f']);
    expect(registry.clearHistory()).toBe(3);
    expect(namesOf(registry)).toEqual([]);
    await runAll(registry, 'g');
    expect(namesOf(registry)).toEqual(['g']);
  });

  it('remembers nothing with limit 0, and 1000 by default', async () => {
    const none = new OperationRegistry({ history: { limit: 0 } });
    await runAll(none, 'a');
    expect(none.history()).toEqual([]);

    const many = new OperationRegistry();
    await runAll(many, ...Array.from({ length: 1_001 }, (_, index) => `n${index}`));
    expect(many.history()).toHaveLength(1_000);
    expect(many.history()[0]!.name).toBe('n1');
  });

  it('forgets what is older than maxAge', async () => {
    jest.useFakeTimers();
    const registry = new OperationRegistry({ history: { maxAge: '1m' } });
    await registry.run({ id: 'old' }, () => {});
    await registry
      .run({ id: 'old and failed' }, () => Promise.reject(new Error('x')))
      .catch(() => {});
    jest.advanceTimersByTime(59_000);
    await registry.run({ id: 'young' }, () => {});
    expect(registry.history()).toHaveLength(3);
    jest.advanceTimersByTime(1_001);

    expect(registry.history().map(({ id }) => id)).toEqual(['young']);
    expect(registry.find('old')).toBeUndefined();
    expect(registry.find('young')).toBeDefined();
  });

  it.each([
    [{ history: { limit: -1 } }, /history: limit: -1/],
    [{ history: { limit: 1.5 } }, /limit/],
    [{ history: { size: 5 } }, /there is no option 'size'/],
    [{ history: { maxAge: 0 } }, /maxAge/],
    [{ zombies: { after: -1 } }, /after/],
    [{ hystory: {} }, /there is no option 'hystory'. Allowed: 'history'/],
    [{ logger: 'console' }, /a logger/],
  ])('refuses %p', (options, message) => {
    expect(() => new OperationRegistry(options as any)).toThrow(message);
  });
});

describe('rule 25: history holds plain snapshots', () => {
  it('of errors: name, message, code, stack', async () => {
    const registry = new OperationRegistry();
    const failure = Object.assign(new TypeError('disk full'), { code: 'ENOSPC', extra: registry });
    await registry.run('work', () => Promise.reject(failure)).catch(() => {});
    expect(registry.history()[0]!.error).toEqual({
      name: 'TypeError',
      message: 'disk full',
      code: 'ENOSPC',
      stack: failure.stack,
    });
  });

  it.each([
    ['a string', 'broken', 'broken'],
    ['undefined', null, 'null'],
    ['a number', 7, '7'],
  ])('of %s that was thrown', async (_, failure, message) => {
    const registry = new OperationRegistry();
    await registry.run('work', () => Promise.reject(failure)).catch(() => {});
    expect(registry.history()[0]!.error).toEqual({ name: 'Error', message });
  });

  it('does not change with what the user changes afterwards', async () => {
    const registry = new OperationRegistry();
    const metadata = { owner: 'ann', place: { city: 'Paris' } };
    const handle = registry.start({ name: 'work', metadata });
    await handle.complete();
    const flat = registry.start({ name: 'flat', metadata: { owner: 'ann' } });
    await flat.complete();

    metadata.place.city = 'Rome';
    for (const { operation } of [handle, flat]) {
      operation.annotate({ owner: 'bob' });
      operation.savePartial('late');
    }

    expect(registry.history()).toMatchObject([
      { metadata: { owner: 'ann', place: { city: 'Paris' } } },
      { metadata: { owner: 'ann' } },
    ]);
    expect(registry.history()[1]!.partialResult).toBeUndefined();
  });

  it('keeps partial results up to 1 KiB, and the count of larger streams', async () => {
    const registry = new OperationRegistry();
    const small = ['x'.repeat(1_000)];
    await registry.run('small', (operation) => operation.savePartial(small));
    await registry.run('large', (operation) => operation.savePartial(['x'.repeat(1_100)]));
    await registry.run('stream', async (operation) => {
      for await (const _ of operation.stream(Array(2_000).fill('row')));
    });
    expect(registry.history().map(({ partialResult }) => partialResult)).toEqual([
      small,
      '[larger than 1 KiB]',
      { count: 2_000, items: [] },
    ]);
  });

  it('is safe for JSON whatever the metadata holds', async () => {
    const registry = new OperationRegistry();
    const circular: Record<string, unknown> = { name: 'loop' };
    circular.self = circular;
    const metadata = {
      circular,
      big: 10n,
      fn: () => 1,
      symbol: Symbol('s'),
      date: new Date(0),
      map: new Map([[1, 2]]),
      nothing: undefined,
      bad: {
        toJSON() {
          throw new Error('no JSON');
        },
      },
    };
    const { operation } = registry.start({ name: 'work', metadata });
    const text = JSON.stringify([operation, registry.list(), registry.tree()]);
    expect(text).toContain(operation.id);
    expect(() => JSON.stringify(registry.find(operation.id))).not.toThrow();

    const good = registry.start({
      name: 'good',
      metadata: { circular, date: new Date(0), big: 10n },
    });
    expect(good.operation.snapshot().metadata).toMatchObject({
      circular: { name: 'loop', self: '[circular]' },
      date: '1970-01-01T00:00:00.000Z',
    });
  });

  const LARGE = 100_000;
  const large = 'x'.repeat(LARGE);
  const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, key) => [`key ${key}`, 'y']));
  const fields: [string, (registry: OperationRegistry) => Promise<unknown>][] = [
    ['metadata', (registry) => registry.run({ metadata: { large } }, () => {})],
    ['keys of metadata', (registry) => registry.run({ metadata: many }, () => {})],
    ['long keys', (registry) => registry.run({ metadata: { [large]: 1 } }, () => {})],
    ['nested metadata', (registry) => registry.run({ metadata: { nested: { large } } }, () => {})],
    ['a name', (registry) => registry.run(large, () => {})],
    ['a tag', (registry) => registry.run({ tags: [large] }, () => {})],
    ['tags', (registry) => registry.run({ tags: Object.keys(many) }, () => {})],
    ['a progress message', (registry) => registry.run('work', (own) => own.reportProgress(large))],
    [
      'progress metadata',
      (registry) => registry.run('work', (own) => own.reportProgress({ current: 1, ...many })),
    ],
    [
      'a number that is none',
      (registry) => registry.run('work', (own) => own.reportProgress({ total: large as never })),
    ],
    ['a partial result', (registry) => registry.run('work', (own) => own.savePartial({ large }))],
    [
      'an error message',
      (registry) => registry.run('work', () => Promise.reject(new Error(large))),
    ],
    [
      'an error code, name and stack',
      (registry) =>
        registry.run('work', () =>
          Promise.reject(
            Object.assign(new Error('broken'), { code: large, name: large, stack: large }),
          ),
        ),
    ],
    ['what is no error', (registry) => registry.run('work', () => Promise.reject(large))],
    [
      'a cancel',
      (registry) =>
        registry.run('work', (own) => {
          own.cancel({ message: large, requestedBy: large, cause: new Error(large) });
        }),
    ],
    [
      'a cancel of a parent',
      (registry) =>
        registry.run({ name: large, id: 'parent' }, (own) =>
          registry.run('child', async () => {
            own.cancel({ message: large, requestedBy: large });
          }),
        ),
    ],
  ];

  it.each(fields)('bounds %s', async (_, work) => {
    const registry = new OperationRegistry();
    await work(registry).catch(() => {});
    await registry.whenIdle();
    const entries = registry.history();
    expect(entries.length).toBeGreaterThan(0);
    for (const entry of entries) expect(JSON.stringify(entry).length).toBeLessThan(12_000);
  });

  it('keeps what is small beside what is large, and says what was cut', async () => {
    const registry = new OperationRegistry();
    const metadata = { owner: 'ann', large, nested: { large } };
    await registry.run({ metadata, tags: ['slow'] }, (own) => own.reportProgress(large));
    expect(registry.history({ metadata: { owner: 'ann' } })).toMatchObject([
      {
        metadata: {
          owner: 'ann',
          large: expect.stringMatching(/^x{1023}…$/),
          nested: '[larger than 1 KiB]',
        },
        tags: ['slow'],
        progress: { message: expect.stringMatching(/^x{1023}…$/) },
      },
    ]);
  });

  it('remembers no id that it would have to cut', async () => {
    const registry = new OperationRegistry();
    await registry.run({ id: large }, () => {});
    await registry.run({ id: large.slice(0, 1_000) }, () => {});
    expect(registry.history().map(({ id }) => id.length)).toEqual([1_000]);
    expect(registry.find(large)).toBeUndefined();
  });
});
