import { describe, expect, it, jest } from '@jest/globals';
import { OperationRegistry } from 'nestjs-cancelable';
import { Operation } from 'nestjs-cancelable';
import { deferred, isPending, microtasks, rejection, thrown } from '../support/deferred.js';
import { ManualSource } from '../support/manual-source.js';

const begin = () => {
  const handle = new OperationRegistry().start('work');
  return { handle, operation: handle.operation };
};

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const collected: Item[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

async function* numbers(count: number) {
  for (let number = 1; number <= count; number++) yield number;
}

describe('stream() delivers what the source gives', () => {
  it.each([
    ['an async generator', () => numbers(3)],
    ['an array', () => [1, 2, 3]],
    ['a Set', () => new Set([1, 2, 3])],
    ['a sync generator', () => [1, 2, 3].values()],
  ])('from %s', async (_, source) => {
    const { operation } = begin();
    expect(await collect(operation.stream(source()))).toEqual([1, 2, 3]);
    expect(Operation.stateOf(operation).listenerCount).toBe(0);
  });

  it('hands on the error of the source, after the items before it', async () => {
    const { operation } = begin();
    const failure = new Error('broken');
    const source = (async function* () {
      yield 1;
      throw failure;
    })();
    const seen: number[] = [];
    const work = async () => {
      for await (const item of operation.stream(source)) seen.push(item);
    };
    expect(await rejection(work())).toBe(failure);
    expect(seen).toEqual([1]);
    expect(Operation.stateOf(operation).listenerCount).toBe(0);
  });

  it('asks the source for an item only when the consumer does', async () => {
    const { operation } = begin();
    const source = new ManualSource<number>();
    const stream = operation.stream(source);
    await microtasks();
    expect(source.pulls).toBe(0);

    source.push(1);
    source.push(2);
    await stream.next();
    await microtasks();

    expect(source.pulls).toBe(1);
  });

  it('answers in order when asked ahead', async () => {
    const { operation } = begin();
    const stream = operation.stream(numbers(2));
    const results = await Promise.all([stream.next(), stream.next(), stream.next()]);
    expect(results).toEqual([
      { done: false, value: 1 },
      { done: false, value: 2 },
      { done: true, value: undefined },
    ]);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  it.each([null, undefined, 7, {}])('refuses %p', (source) => {
    const { message } = thrown(() => begin().operation.stream(source as any)) as Error;
    expect(message).toMatch(/operation\.stream\(\).*cannot be iterated.*async iterable/);
  });

  it.each([
    [{ buffer: -1 }, 'buffer: -1'],
    [{ buffer: 1.5 }, 'buffer: 1.5'],
    [{ reportEvery: 0 }, 'reportEvery: 0'],
    [{ chunk: 0 }, 'chunk: 0'],
    [{ chunk: NaN }, 'chunk: NaN'],
  ])('refuses %p', (options, text) => {
    expect(() => begin().operation.stream([], options as any)).toThrow(text);
  });
});

describe('rule 18: streams are interrupted while they wait, and the source is closed once', () => {
  it('rejects a pending next() at the cancel and closes at once', async () => {
    const { operation } = begin();
    const source = new ManualSource<number>();
    const pending = operation.stream(source).next();
    expect(await isPending(pending)).toBe(true);

    operation.cancel();

    expect(source.closed).toBe(1);
    expect(await rejection(pending)).toBe(operation.cancelation);
    operation.cancel();
    await microtasks();
    expect(source.closed).toBe(1);
  });

  it('closes at once when the cancel comes between two items, and the next pull gets the error', async () => {
    const { operation } = begin();
    const source = new ManualSource<number>();
    source.push(1);
    const stream = operation.stream(source);
    await stream.next();

    operation.cancel();

    expect(source.closed).toBe(1);
    expect(await rejection(stream.next())).toBe(operation.cancelation);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    await stream.return?.();
    expect(source.closed).toBe(1);
  });

  it('runs the finally of a generator that waits for something cancelable', async () => {
    const { handle, operation } = begin();
    const closed = deferred();
    const source = (async function* () {
      try {
        yield 1;
        await operation.sleep('1h');
        yield 2;
      } finally {
        closed.resolve();
      }
    })();
    const work = handle.run(() => collect(operation.stream(source)));
    await microtasks();
    operation.cancel();
    expect(await rejection(work)).toBe(operation.cancelation);
    await closed.promise;
  });

  it('destroys a Node stream, which it closes once', async () => {
    const { Readable } = await import('node:stream');
    const { operation } = begin();
    const destroyed = jest.fn();
    const readable = new Readable({
      objectMode: true,
      read() {},
      destroy(_, done) {
        destroyed();
        done(null);
      },
    });
    readable.push('row');
    const stream = operation.stream<string>(readable);
    expect(await stream.next()).toEqual({ done: false, value: 'row' });
    const pending = stream.next();

    operation.cancel();

    expect(await rejection(pending)).toBe(operation.cancelation);
    expect(readable.destroyed).toBe(true);
    await microtasks();
    expect(destroyed).toHaveBeenCalledTimes(1);
  });

  it('takes a source that cannot be closed', async () => {
    const { operation } = begin();
    const next = () => new Promise<IteratorResult<number>>(() => {});
    const pending = operation.stream({ [Symbol.asyncIterator]: () => ({ next }) }).next();
    operation.cancel();
    expect(await rejection(pending)).toBe(operation.cancelation);
  });

  it('never asks the source when the operation was canceled before', async () => {
    const { operation } = begin();
    const source = new ManualSource<number>();
    const stream = operation.stream(source);
    operation.cancel();
    expect(await rejection(stream.next())).toBe(operation.cancelation);
    expect(source.pulls).toBe(0);
  });

  it('stops a source that never waits once the deadline has passed (rule 13)', async () => {
    const registry = new OperationRegistry();
    const endless = (function* () {
      for (;;) yield 0;
    })();
    const run = registry.run({ name: 'work', timeout: '5ms' }, async (operation) => {
      for await (const _ of operation.stream(endless));
    });
    expect(await rejection(run)).toMatchObject({ reason: 'timeout' });
  });
});

describe('rule 18: a consumer that stops closes the source', () => {
  it('by break, waiting until it is closed', async () => {
    const { operation } = begin();
    let closed = false;
    const source = (async function* () {
      try {
        yield 1;
        yield 2;
      } finally {
        await microtasks();
        closed = true;
      }
    })();
    for await (const _ of operation.stream(source)) break;
    expect(closed).toBe(true);
    expect(operation.status).toBe('running');
    expect(operation.partialResult).toEqual({ count: 1, items: [1] });
    expect(Operation.stateOf(operation).listenerCount).toBe(0);
  });

  it('by return() while a next() is pending: both end, nothing waits for the source', async () => {
    const { operation } = begin();
    const stuck = (async function* () {
      await new Promise(() => {});
      yield 1;
    })();
    const stream = operation.stream(stuck);
    const pending = stream.next();

    expect(await stream.return?.()).toEqual({ done: true, value: undefined });
    expect(await pending).toEqual({ done: true, value: undefined });
  });

  it('once only', async () => {
    const { operation } = begin();
    const source = new ManualSource<number>();
    source.push(1);
    const stream = operation.stream(source);
    await stream.next();
    await stream.return?.();
    await stream.return?.();
    operation.cancel();
    expect(source.closed).toBe(1);
  });

  it('hands on what closing fails with', async () => {
    const { operation } = begin();
    const failure = new Error('cannot close');
    const source = (async function* () {
      try {
        yield 1;
      } finally {
        await Promise.reject(failure);
      }
    })();
    const work = async () => {
      for await (const _ of operation.stream(source)) break;
    };
    expect(await rejection(work())).toBe(failure);
  });
});
