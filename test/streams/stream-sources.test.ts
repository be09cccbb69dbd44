import { PassThrough, Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ReadableStream } from 'node:stream/web';
import { describe, expect, it } from '@jest/globals';
import { CancelationToken, cancelWith, OperationRegistry } from 'nestjs-cancelable';
import { from, NEVER, Observable, Subject, throwError, toArray } from 'rxjs';
import { deferred, microtasks, rejection, turn } from '../support/deferred.js';

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const collected: Item[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

describe('an iterator whose next() gives no object', () => {
  it.each([
    [
      'asynchronous',
      { [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve(undefined) }) },
    ],
    ['asynchronous, without a promise', { [Symbol.asyncIterator]: () => ({ next: () => 1 }) }],
    ['synchronous', { [Symbol.iterator]: () => ({ next: () => 'text' }) }],
  ])('fails the iteration and is not an unhandled rejection (%s)', async (_kind, source) => {
    const registry = new OperationRegistry();
    const result = registry.run('read', (operation) =>
      collect(operation.stream(source as unknown as AsyncIterable<number>)),
    );
    expect(await rejection(result)).toBeInstanceOf(TypeError);
    expect(registry.list()).toEqual([]);
  });

  it('too late, is ignored', async () => {
    const next = deferred<never>();
    const source = { [Symbol.asyncIterator]: () => ({ next: () => next.promise }) };
    const registry = new OperationRegistry();
    const result = registry.run('read', (operation) => collect(operation.stream(source)));
    registry.cancelAll({});
    expect(await rejection(result)).toMatchObject({ reason: 'manual' });
    next.resolve(undefined as never);
    await turn();
    expect(registry.list()).toEqual([]);
  });
});

describe('rule 18: stream() over Observables', () => {
  it('delivers all items, also those emitted faster than they are read', async () => {
    const registry = new OperationRegistry();
    const items = Array.from({ length: 5_000 }, (_, index) => (index === 7 ? undefined : index));
    const result = registry.run('read', (operation) => collect(operation.stream(from(items))));
    expect(await result).toEqual(items);
  });

  it('passes its error on, after the items before it', async () => {
    const error = new Error('source broke');
    const source$ = new Observable<number>((subscriber) => {
      subscriber.next(1);
      subscriber.error(error);
    });
    const seen: number[] = [];
    const result = new OperationRegistry().run('read', async (operation) => {
      for await (const item of operation.stream(source$)) seen.push(item);
    });
    expect(await rejection(result)).toBe(error);
    expect(seen).toEqual([1]);
    const failing = new OperationRegistry().run('read', (operation) =>
      collect(operation.stream(throwError(() => error))),
    );
    expect(await rejection(failing)).toBe(error);
  });

  it('interrupts the wait and unsubscribes, once', async () => {
    let unsubscribed = 0;
    const source$ = new Observable<number>((subscriber) => {
      subscriber.next(1);
      return () => void unsubscribed++;
    });
    const registry = new OperationRegistry();
    const first = deferred();
    const result = registry.run('read', async (operation) => {
      for await (const _item of operation.stream(source$)) first.resolve();
    });
    await first.promise;
    await microtasks();
    registry.cancelAll({});
    expect(await rejection(result)).toMatchObject({
      reason: 'manual',
      partialResult: { count: 1, items: [1] },
    });
    await registry.whenIdle();
    expect(unsubscribed).toBe(1);
  });

  it('subscribes on the first item asked for, not before', async () => {
    const source$ = new Subject<number>();
    await new OperationRegistry().run('read', (operation) => {
      const items = operation.stream(source$);
      expect(source$.observed).toBe(false);
      void items.next();
      expect(source$.observed).toBe(true);
      return items.return?.();
    });
    expect(source$.observed).toBe(false);
  });
});

describe('rule 18: stream() over Node streams', () => {
  it('reads to the end', async () => {
    const result = new OperationRegistry().run('read', (operation) =>
      collect(operation.stream(Readable.from(['a', 'b', 'c']))),
    );
    expect(await result).toEqual(['a', 'b', 'c']);
  });

  it('destroys a stream that stalls, and keeps back-pressure', async () => {
    let produced = 0;
    const stream = new Readable({
      objectMode: true,
      highWaterMark: 2,
      read() {
        if (++produced <= 10) this.push(produced);
      },
    });
    const registry = new OperationRegistry();
    const taken = deferred();
    const result = registry.run('read', async (operation) => {
      let count = 0;
      for await (const _item of operation.stream(stream)) {
        if (++count === 2) {
          await turn();
          expect(produced).toBeLessThan(8);
        }
        if (count === 10) taken.resolve();
      }
    });
    await taken.promise;
    await turn();
    registry.cancelAll({});
    expect(await rejection(result)).toMatchObject({ reason: 'manual' });
    await registry.whenIdle();
    expect(stream.destroyed).toBe(true);
  });

  it('a pipeline with the signal stops with the operation’s own error', async () => {
    const registry = new OperationRegistry();
    const source = new PassThrough();
    source.write('begin');
    const arrived = deferred();
    const sink = new Writable({
      write(_chunk, _encoding, done) {
        arrived.resolve();
        done();
      },
    });
    const result = registry.run({ settle: 'wait' }, (operation) =>
      pipeline(source, sink, { signal: operation.signal }),
    );
    await arrived.promise;
    registry.cancelAll({}, { message: 'stop' });
    expect(await rejection(result)).toMatchObject({ reason: 'manual', message: 'stop' });
    expect([source.destroyed, sink.destroyed]).toEqual([true, true]);
  });
});

describe('rule 18: stream() over web streams', () => {
  it('reads to the end', async () => {
    const stream = new ReadableStream<number>({
      start(controller) {
        for (const item of [1, 2, 3]) controller.enqueue(item);
        controller.close();
      },
    });
    const result = new OperationRegistry().run('read', (operation) =>
      collect(operation.stream(stream)),
    );
    expect(await result).toEqual([1, 2, 3]);
  });

  it('cancels a stream that stalls, although a read is pending', async () => {
    const canceled = deferred();
    const reading = deferred();
    const stream = new ReadableStream<number>({
      pull() {
        reading.resolve();
        return new Promise(() => {});
      },
      cancel() {
        canceled.resolve();
      },
    });
    const registry = new OperationRegistry();
    const result = registry.run('read', (operation) => collect(operation.stream(stream)));
    await reading.promise;
    registry.cancelAll({});
    expect(await rejection(result)).toMatchObject({ reason: 'manual' });
    await canceled.promise;
    await registry.whenIdle();
  });

  it('break releases the lock', async () => {
    const stream = new ReadableStream<number>({ pull: (controller) => controller.enqueue(1) });
    await new OperationRegistry().run('read', async (operation) => {
      for await (const _item of operation.stream(stream)) break;
    });
    expect(stream.locked).toBe(false);
  });
});

describe('cancelWith(token)', () => {
  it('errors instead of completing, and unsubscribes from the source', async () => {
    const token = new CancelationToken();
    const source$ = new Subject<number>();
    const values: number[] = [];
    const failed = new Promise<unknown>((resolve) => {
      source$
        .pipe(cancelWith(token))
        .subscribe({ next: (value) => values.push(value), error: resolve });
    });
    source$.next(1);
    token.cancel();
    source$.next(2);
    expect(await failed).toBe(token.error);
    expect(values).toEqual([1]);
    expect(source$.observed).toBe(false);
  });

  it('passes everything on otherwise, and leaves no listener on the token', async () => {
    const token = new CancelationToken();
    const values = await new Promise((resolve) => {
      from([1, 2, 3]).pipe(cancelWith(token), toArray()).subscribe(resolve);
    });
    expect(values).toEqual([1, 2, 3]);
    const subscription = NEVER.pipe(cancelWith(token)).subscribe();
    expect(CancelationToken.scopeOf(token).listenerCount).toBe(1);
    subscription.unsubscribe();
    expect(CancelationToken.scopeOf(token).listenerCount).toBe(0);
  });

  it('does not subscribe when the token is canceled already', () => {
    const token = CancelationToken.timeout(0);
    const source$ = new Subject<number>();
    let error: unknown;
    source$.pipe(cancelWith(token)).subscribe({ error: (given) => (error = given) });
    expect(error).toMatchObject({ reason: 'timeout' });
    expect(source$.observed).toBe(false);
  });
});
