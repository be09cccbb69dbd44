import { describe, expect, it } from '@jest/globals';
import { type Operation, OperationRegistry } from 'nestjs-cancelable';
import { rejection } from '../support/deferred.js';
import { ManualSource } from '../support/manual-source.js';

function* numbers(count: number) {
  for (let number = 1; number <= count; number++) yield number;
}

async function drain(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _item of items);
}

describe('row 24: cancelable iteration', () => {
  it('reports progress every so many items', async () => {
    const reports: (number | undefined)[] = [];
    await new OperationRegistry().run('read', async (operation) => {
      operation.onProgress(({ current }) => reports.push(current));
      await drain(operation.stream(numbers(35), { reportEvery: 10 }));
    });
    expect(reports).toEqual([10, 20, 30]);
  });

  it('keeps the last 1000 items as the partial result, and counts them all', async () => {
    let operation!: Operation;
    await new OperationRegistry().run('read', async (own) => {
      operation = own;
      await drain(own.stream(numbers(1_500)));
    });
    const { count, items } = operation.partialResult as { count: number; items: number[] };
    expect(count).toBe(1_500);
    expect(items).toHaveLength(1_000);
    expect([items[0], items.at(-1)]).toEqual([501, 1_500]);
  });

  it('keeps as many as it is asked to', async () => {
    let operation!: Operation;
    await new OperationRegistry().run('read', async (own) => {
      operation = own;
      await drain(own.stream(numbers(10), { buffer: 3 }));
    });
    expect(operation.partialResult).toEqual({ count: 10, items: [8, 9, 10] });
  });

  it('interrupts a source that stalls, and closes it once', async () => {
    const source = new ManualSource<number>();
    const outcome = new OperationRegistry().run({ settle: 'wait' }, async (operation) => {
      source.push(1);
      for await (const _item of operation.stream(source)) {
        void Promise.resolve().then(() => operation.cancel());
      }
    });
    const error = await rejection(outcome);
    expect(error).toMatchObject({ reason: 'manual', partialResult: { count: 1, items: [1] } });
    expect(source.closed).toBe(1);
  });
});

describe('row 25: chunks', () => {
  it('are arrays of so many items, and the last may be shorter', async () => {
    const chunks: number[][] = [];
    await new OperationRegistry().run('read', async (operation) => {
      for await (const chunk of operation.stream(numbers(8), { chunk: 3 })) chunks.push(chunk);
    });
    expect(chunks).toEqual([
      [1, 2, 3],
      [4, 5, 6],
      [7, 8],
    ]);
  });

  it('the last, incomplete one is delivered before the error of a cancel', async () => {
    const source = new ManualSource<number>();
    const chunks: number[][] = [];
    const outcome = new OperationRegistry().run({ settle: 'wait' }, async (operation) => {
      const stream = operation.stream(source, { chunk: 3 });
      for (const item of [1, 2, 3, 4]) source.push(item);
      chunks.push((await stream.next()).value as number[]);
      const next = stream.next();
      void new Promise(setImmediate).then(() => operation.cancel());
      chunks.push((await next).value as number[]);
      await stream.next();
    });
    expect(await rejection(outcome)).toMatchObject({ reason: 'manual' });
    expect(chunks).toEqual([[1, 2, 3], [4]]);
  });

  it('can be closed', async () => {
    const source = new ManualSource<number>();
    await new OperationRegistry().run('read', async (operation) => {
      const stream = operation.stream(source, { chunk: 2 });
      source.push(1);
      source.push(2);
      await stream.next();
      await stream.return?.();
      expect(await stream.next()).toEqual({ done: true, value: undefined });
    });
    expect(source.closed).toBe(1);
  });
});
