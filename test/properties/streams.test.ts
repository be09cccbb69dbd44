import { Readable } from 'node:stream';
import { ReadableStream } from 'node:stream/web';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Operation, OperationRegistry } from 'nestjs-cancelable';
import { Observable } from 'rxjs';
import { type Deferred, deferred, rejection } from '../support/deferred.js';

interface SourceSpec {
  /** How many items there are. */
  readonly items: number;
  /** What comes after them. */
  readonly then: 'end' | 'failure' | 'silence';
}

/** A source of 0, 1, 2, …, and how often it was closed. */
class CountingSource {
  closed = 0;
  /** Resolves once something waits for an item that never comes. */
  readonly silent: Deferred<void> = deferred();
  readonly failure = new Error('the source failed');

  constructor(readonly spec: SourceSpec) {}

  iterable(): Iterable<number> {
    let next = 0;
    const iterator: Iterator<number> = {
      next: () => {
        if (next < this.spec.items) return { done: false, value: next++ };
        if (this.spec.then === 'failure') throw this.failure;
        return { done: true, value: undefined };
      },
      return: () => {
        this.closed++;
        return { done: true, value: undefined };
      },
    };
    return { [Symbol.iterator]: () => iterator };
  }

  asyncIterable(): AsyncIterable<number> {
    const iterator = this.iterable()[Symbol.iterator]();
    let given = 0;
    return {
      [Symbol.asyncIterator]: () => ({
        next: async () => {
          if (given++ < this.spec.items || this.spec.then !== 'silence') return iterator.next();
          return this.never();
        },
        return: async () => iterator.return?.() as IteratorResult<number>,
      }),
    };
  }

  observable(): Observable<number> {
    return new Observable((subscriber) => {
      for (let item = 0; item < this.spec.items; item++) subscriber.next(item);
      if (this.spec.then === 'failure') subscriber.error(this.failure);
      else if (this.spec.then === 'end') subscriber.complete();
      else this.silent.resolve();
      return () => void this.closed++;
    });
  }

  readable(): Readable {
    let next = 0;
    const { items, then } = this.spec;
    const { failure, silent } = this;
    const closed = () => void this.closed++;
    return new Readable({
      objectMode: true,
      highWaterMark: 1,
      read() {
        if (next < items) this.push(next++);
        else if (then === 'failure') this.destroy(failure);
        else if (then === 'end') this.push(null);
        else silent.resolve();
      },
      destroy(error, done) {
        closed();
        done(error);
      },
    });
  }

  webStream(): ReadableStream<number> {
    let next = 0;
    return new ReadableStream<number>(
      {
        pull: (controller) => {
          if (next < this.spec.items) controller.enqueue(next++);
          else if (this.spec.then === 'failure') controller.error(this.failure);
          else if (this.spec.then === 'end') controller.close();
          else return this.never();
          return undefined;
        },
        cancel: () => void this.closed++,
      },
      { highWaterMark: 0 },
    );
  }

  private never(): Promise<never> {
    this.silent.resolve();
    return new Promise(() => {});
  }
}

type Kind = 'iterable' | 'asyncIterable' | 'observable' | 'readable' | 'webStream';

const scenario = fc
  .record({
    kind: fc.constantFrom<Kind>('iterable', 'asyncIterable', 'observable', 'readable', 'webStream'),
    items: fc.integer({ min: 0, max: 40 }),
    then: fc.constantFrom<SourceSpec['then']>('end', 'failure', 'silence'),
    /** What the consumer does once it has so many items. */
    act: fc.constantFrom('read on' as const, 'break' as const, 'cancel' as const),
    at: fc.integer({ min: 0, max: 45 }),
    chunk: fc.option(fc.integer({ min: 1, max: 7 }), { nil: undefined }),
    buffer: fc.option(fc.integer({ min: 0, max: 10 }), { nil: undefined }),
  })
  // Only what waits can be silent.
  .map((draft) => ({
    ...draft,
    then: draft.kind === 'iterable' && draft.then === 'silence' ? 'end' : draft.then,
  }));

/** Reads as the scenario says. @returns what was delivered */
async function consume(
  operation: Operation,
  source: CountingSource,
  { kind, act, at, chunk, buffer }: typeof scenario extends fc.Arbitrary<infer S> ? S : never,
  received: number[],
): Promise<void> {
  const options = buffer === undefined ? {} : { buffer };
  if (act === 'cancel' && at === 0) operation.cancel();
  const stream: AsyncIterable<unknown> =
    chunk === undefined
      ? operation.stream<number>(source[kind](), options)
      : operation.stream<number>(source[kind](), { ...options, chunk });
  for await (const part of stream) {
    const items = chunk === undefined ? [part as number] : (part as number[]);
    expect(items.length).toBeGreaterThan(0);
    expect(items.length).toBeLessThanOrEqual(chunk ?? 1);
    received.push(...items);
    if (act !== 'read on' && received.length >= at) {
      if (act === 'break') return;
      operation.cancel();
    }
  }
}

describe('operation.stream(), for any source and any end', () => {
  it('delivers a prefix, counts it, and closes the source exactly once', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async (given) => {
        const registry = new OperationRegistry();
        const source = new CountingSource(given);
        const received: number[] = [];
        let operation!: Operation;
        const work = registry.run({ name: 'reader', settle: 'wait' }, (own) => {
          operation = own;
          void source.silent.promise.then(async () => {
            // All that is there has been read; now it is interrupted while it waits.
            await new Promise(setImmediate);
            own.cancel({ message: 'silent' });
          });
          return consume(own, source, given, received);
        });
        const outcome = await work.then(
          () => 'done',
          (error: unknown) => error,
        );

        expect(received).toEqual(received.map((_, index) => index));
        const { items, then, act, at, kind } = given;
        const size = given.buffer ?? 1_000;
        expect(operation.partialResult).toEqual({
          count: received.length,
          items: size === 0 ? [] : received.slice(-size),
        });

        // A last chunk that is not full was delivered because the source had ended.
        const sawEnd =
          then !== 'silence' && received.length === items && items % (given.chunk ?? 1) !== 0;
        const hadEnough =
          (received.length > 0 && received.length >= at) || (act === 'cancel' && at === 0);
        const leaves = act !== 'read on' && hadEnough && !(sawEnd && act === 'cancel');
        if (leaves) {
          expect(outcome).toBe(act === 'break' ? 'done' : operation.cancelation);
        } else {
          expect(received).toHaveLength(items);
          const expected =
            then === 'end' ? 'done' : then === 'failure' ? source.failure : operation.cancelation;
          expect(outcome).toBe(expected);
        }
        await registry.whenIdle();
        await new Promise(setImmediate);
        const closesItself = (!leaves || sawEnd) && then !== 'silence';
        const alwaysCloses = kind === 'observable' || kind === 'readable';
        const neverBegan = kind === 'observable' && act === 'cancel' && at === 0;
        expect(source.closed).toBe((closesItself && !alwaysCloses) || neverBegan ? 0 : 1);
      }),
      { seed: 20_251, numRuns: 600 },
    );
  });

  it('can fail: a source that loses an item is no prefix', async () => {
    const registry = new OperationRegistry();
    const received: number[] = [];
    await registry.run('reader', async (operation) => {
      for await (const item of operation.stream([0, 2])) received.push(item);
    });
    expect(received).not.toEqual(received.map((_, index) => index));
  });

  it('rejects each pull after the end only once', async () => {
    const registry = new OperationRegistry();
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 6 }), async (pulls) => {
        await rejection(
          registry.run('reader', async (operation) => {
            const source = new CountingSource({ items: 0, then: 'silence' });
            const stream = operation.stream(source.asyncIterable());
            const waiting = Array.from({ length: pulls }, () => stream.next());
            operation.cancel();
            const results = await Promise.allSettled(waiting);
            const rejected = results.filter(({ status }) => status === 'rejected');
            expect(rejected).toHaveLength(1);
            expect(rejected[0]).toMatchObject({ reason: operation.cancelation });
            throw new Error('looked at');
          }),
        );
      }),
      { seed: 20_251, numRuns: 20 },
    );
  });
});
