import { describe, expect, it, jest } from '@jest/globals';
import { OperationRegistry } from 'nestjs-cancelable';

const begin = () => {
  const handle = new OperationRegistry().start('work');
  return { handle, operation: handle.operation };
};

describe('progress and partial results', () => {
  it('completes what was reported', () => {
    const { operation } = begin();
    operation.reportProgress({ message: 'rows', current: 5, total: 20, file: 'a.csv' });
    expect(operation.progress).toEqual({
      message: 'rows',
      current: 5,
      total: 20,
      percent: 25,
      rate: expect.any(Number),
      remaining: expect.any(Number),
      at: expect.any(Number),
      operationId: operation.id,
      operationName: 'work',
      metadata: { file: 'a.csv' },
    });
  });

  it.each([
    [5, 0],
    [5, NaN],
    [NaN, 5],
    [-1, 5],
    [5, -1],
  ])('gives no percent for %p of %p, and never more than 100', (current, total) => {
    const { operation } = begin();
    operation.reportProgress({ current, total });
    expect(operation.progress?.percent).toBeUndefined();
    operation.reportProgress({ current: 7, total: 5 });
    expect(operation.progress?.percent).toBe(100);
  });

  it('derives rate and remaining time', () => {
    jest.useFakeTimers();
    try {
      const { operation } = begin();
      jest.advanceTimersByTime(4_000);
      operation.reportProgress({ current: 200, total: 500 });
      expect(operation.progress).toMatchObject({ percent: 40, rate: 50, remaining: 6_000 });
      operation.reportProgress({ current: 600, total: 500 });
      expect(operation.progress).toMatchObject({ percent: 100, remaining: 0 });
      operation.reportProgress({ message: 'no numbers' });
      expect(operation.progress).not.toHaveProperty('rate');
      operation.reportProgress({ current: 0, total: 500 });
      expect(operation.progress).not.toHaveProperty('remaining');
    } finally {
      jest.useRealTimers();
    }
  });

  it('ignores a report after the end', async () => {
    const { handle, operation } = begin();
    await handle.complete();
    operation.reportProgress('late');
    expect(operation.progress).toBeUndefined();
  });

  it('keeps the last partial result in operation, error and snapshot', () => {
    const { operation } = begin();
    operation.savePartial(['a']);
    operation.savePartial(['a', 'b']);
    operation.cancel();
    expect(operation.partialResult).toEqual(['a', 'b']);
    expect(operation.cancelation?.partialResult).toEqual(['a', 'b']);
    expect(operation.snapshot().partialResult).toEqual(['a', 'b']);
  });
});
