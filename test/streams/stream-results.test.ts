import { describe, expect, it } from '@jest/globals';
import { OperationRegistry } from 'nestjs-cancelable';
import { isPending, microtasks, rejection } from '../support/deferred.js';
import { ManualSource } from '../support/manual-source.js';

const begin = () => new OperationRegistry().start('work').operation;

const range = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

async function drain(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of items);
}

describe('rule 18: the partial result counts every delivered item', () => {
  it('has the last `buffer` items, in order', async () => {
    const operation = begin();
    await drain(operation.stream(range(25), { buffer: 10 }));
    expect(operation.partialResult).toEqual({ count: 25, items: range(25).slice(-10) });
  });

  it.each([
    [0, 3, []],
    [1, 3, [3]],
    [3, 3, [1, 2, 3]],
    [5, 3, [1, 2, 3]],
  ])('with a buffer of %p and %p items', async (buffer, count, items) => {
    const operation = begin();
    await drain(operation.stream(range(count), { buffer }));
    expect(operation.partialResult).toEqual({ count, items });
  });

  it('keeps 1000 unless told otherwise', async () => {
    const operation = begin();
    await drain(operation.stream(range(1_500)));
    const { count, items } = operation.partialResult as { count: number; items: number[] };
    expect([count, items.length, items[0], items.at(-1)]).toEqual([1_500, 1_000, 501, 1_500]);
  });

  it('is in the error of a cancel half-way, and does not change when it is read', async () => {
    const operation = begin();
    const source = new ManualSource<number>();
    source.push(1, 2);
    const stream = operation.stream(source);
    await stream.next();
    const early = operation.partialResult;
    await stream.next();
    const pending = stream.next();
    operation.cancel();
    const error = await rejection(pending);

    expect(early).toEqual({ count: 1, items: [1] });
    expect(error.partialResult).toEqual({ count: 2, items: [1, 2] });
    expect(operation.snapshot().partialResult).toEqual({ count: 2, items: [1, 2] });
  });

  it('is empty at first', () => {
    const operation = begin();
    operation.stream([1]);
    expect(operation.partialResult).toEqual({ count: 0, items: [] });
  });
});

describe('reportEvery', () => {
  it('reports progress after every so many items', async () => {
    const operation = begin();
    const reports: unknown[] = [];
    operation.onProgress(({ current }) => reports.push(current));
    await drain(operation.stream(range(10), { reportEvery: 3 }));
    expect(reports).toEqual([3, 6, 9]);
  });

  it('reports nothing by default', async () => {
    const operation = begin();
    await drain(operation.stream(range(10)));
    expect(operation.progress).toBeUndefined();
  });
});

describe('chunk', () => {
  it('delivers arrays; the last may be shorter', async () => {
    const operation = begin();
    const chunks: number[][] = [];
    for await (const chunk of operation.stream(range(7), { chunk: 3 })) chunks.push(chunk);
    expect(chunks).toEqual([[1, 2, 3], [4, 5, 6], [7]]);
    expect(operation.partialResult).toEqual({ count: 7, items: range(7) });
  });

  it('delivers nothing from an empty source', async () => {
    const operation = begin();
    expect(await operation.stream([], { chunk: 3 }).next()).toEqual({
      done: true,
      value: undefined,
    });
  });

  it('rule 18: delivers the last incomplete chunk before the error of the source', async () => {
    const operation = begin();
    const failure = new Error('broken');
    const source = (async function* () {
      yield* range(4);
      throw failure;
    })();
    const chunks: number[][] = [];
    const work = async () => {
      for await (const chunk of operation.stream(source, { chunk: 3 })) chunks.push(chunk);
    };
    expect(await rejection(work())).toBe(failure);
    expect(chunks).toEqual([[1, 2, 3], [4]]);
  });

  it('rule 18: delivers the last incomplete chunk before the cancelation', async () => {
    const operation = begin();
    const source = new ManualSource<number>();
    source.push(1, 2);
    const stream = operation.stream(source, { chunk: 3 });
    const pending = stream.next();
    expect(await isPending(pending)).toBe(true);

    operation.cancel();

    expect(await pending).toEqual({ done: false, value: [1, 2] });
    expect(await rejection(stream.next())).toBe(operation.cancelation);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    expect(source.closed).toBe(1);
  });

  it('closes the source on break', async () => {
    const operation = begin();
    const source = new ManualSource<number>();
    source.push(1, 2, 3);
    for await (const _ of operation.stream(source, { chunk: 2 })) break;
    expect(source.closed).toBe(1);
  });

  it('answers in order when asked ahead', async () => {
    const operation = begin();
    const stream = operation.stream(range(5), { chunk: 2 });
    const results = await Promise.all([stream.next(), stream.next(), stream.next(), stream.next()]);
    expect(results.map(({ value }) => value as unknown)).toEqual([[1, 2], [3, 4], [5], undefined]);
    await microtasks();
  });
});
