import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { type Operation, OperationRegistry, type RunOptions } from 'nestjs-cancelable';
import { Operation as OperationClass } from 'nestjs-cancelable';
import { isPending, microtasks, rejection } from '../support/deferred.js';
import { MemoryLog } from '../support/memory-log.js';

afterEach(() => {
  jest.useRealTimers();
});

const begin = (options: RunOptions | string = 'work', log = new MemoryLog()) => {
  const handle = new OperationRegistry({ logger: log }).start(options);
  return { handle, log, operation: handle.operation };
};

describe('an operation', () => {
  it('says what it is', async () => {
    const { handle, operation } = begin({ name: 'import', kind: 'job', tags: ['nightly'] });
    expect(operation).toBeInstanceOf(OperationClass);
    expect(operation).toMatchObject({
      name: 'import',
      kind: 'job',
      status: 'running',
      tags: ['nightly'],
      metadata: {},
    });
    expect(operation.endedAt).toBeUndefined();
    expect(operation.signal).toBe(operation.token.signal);
    expect(operation.startedAt.getTime()).toBeLessThanOrEqual(Date.now());

    await handle.complete();

    expect(operation.status).toBe('completed');
    expect(operation.duration).toBeGreaterThanOrEqual(0);
    const ended = operation.endedAt as Date;
    expect(ended.getTime() - operation.startedAt.getTime()).toBeCloseTo(operation.duration, -1);
  });

  it('keeps telling when it began and ended, however late it is asked', async () => {
    jest.useFakeTimers();
    const { handle, operation } = begin();
    const startedAt = Date.now();
    jest.advanceTimersByTime(1_000);
    await handle.complete();
    jest.advanceTimersByTime(60_000);

    expect(operation.startedAt).toEqual(new Date(startedAt));
    expect(operation.endedAt).toEqual(new Date(startedAt + 1_000));
    expect(operation.duration).toBe(1_000);
  });

  it('is its public form as JSON', () => {
    const { operation } = begin({ name: 'work', metadata: { owner: 'ann' } });
    const json = JSON.parse(JSON.stringify({ operation }));
    expect(json.operation).toEqual({
      id: operation.id,
      name: 'work',
      status: 'running',
      startedAt: operation.startedAt.toISOString(),
      durationMs: expect.any(Number),
    });
  });

  it('is annotated while it runs', () => {
    const { operation } = begin({ name: 'work', metadata: { owner: 'ann' } });
    expect(operation.annotate({ rows: 7 })).toBe(operation);
    expect(operation.metadata).toEqual({ owner: 'ann', rows: 7 });
  });
});

describe('defer', () => {
  it.each(['completed', 'failed', 'canceled'])(
    'runs last in, first out, when %s',
    async (outcome) => {
      const { handle, operation } = begin();
      const order: string[] = [];
      operation.defer(async () => {
        await microtasks();
        order.push('first');
      });
      operation.defer(() => order.push('second'));
      if (outcome === 'canceled') operation.cancel();

      if (outcome === 'failed') await handle.fail(new Error('broken'));
      else await handle.complete();

      expect(operation.status).toBe(outcome);
      expect(order).toEqual(['second', 'first']);
    },
  );

  it('is taken back, once, whatever was added meanwhile', async () => {
    const { handle, operation } = begin();
    const cleanup = jest.fn();
    const takeBack = operation.defer(cleanup);
    operation.defer(cleanup);
    takeBack();
    takeBack();
    await handle.complete();
    expect(cleanup).toHaveBeenCalledTimes(1);
  });

  it('is not called at the moment of the cancel', () => {
    const { operation } = begin();
    const cleanup = jest.fn();
    operation.defer(cleanup);
    operation.cancel();
    expect(cleanup).not.toHaveBeenCalled();
  });
});

describe('run and spawn', () => {
  it('say so when there is nothing to run', () => {
    const registry = new OperationRegistry() as any;
    expect(() => registry.run('work')).toThrow(/registry\.run\(\): what to run.*a function/);
    expect(() => registry.spawn('work', 5)).toThrow(/registry\.spawn\(\): what to run.*a function/);
    expect(registry.list()).toEqual([]);
  });
});

describe('checkpoint', () => {
  it('throws when canceled', async () => {
    const { operation } = begin();
    await operation.checkpoint();
    operation.cancel();
    expect(await rejection(operation.checkpoint())).toBe(operation.cancelation);
  });

  it('gives way to others if this turn of the event loop has run long', async () => {
    const { operation } = begin();
    let others = 0;
    const tick = () => {
      others++;
      immediate = setImmediate(tick);
    };
    let immediate = setImmediate(tick);
    let checkpoints = 0;
    for (; others < 2; checkpoints++) await operation.checkpoint();
    clearImmediate(immediate);
    expect(checkpoints).toBeGreaterThan(2);
  });

  it('lets through a cancel that comes from elsewhere', async () => {
    const { operation } = begin();
    setImmediate(() => operation.cancel());
    const loop = async () => {
      for (;;) await operation.checkpoint();
    };
    expect(await rejection(loop())).toBe(operation.cancelation);
  });
});

describe('sleep', () => {
  it('ends when the operation is canceled, and takes its listener away', async () => {
    jest.useFakeTimers();
    const { operation } = begin();
    const state = OperationClass.stateOf(operation);
    const short = operation.sleep('1s');
    expect(state.listenerCount).toBe(1);
    await jest.advanceTimersByTimeAsync(1_000);
    await short;
    expect(state.listenerCount).toBe(0);

    const long = operation.sleep('1h');
    operation.cancel();
    expect(await rejection(long)).toBe(operation.cancelation);
    expect(state.listenerCount).toBe(0);
  });

  it('keeps the process alive only while it is awaited', () => {
    const { operation } = begin({ name: 'work', timeout: '1h' });
    const timers = () =>
      process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    const sleeping = operation.sleep('1h');
    sleeping.catch(() => {});
    expect(timers()).toBe(before + 1);
    operation.cancel();
    expect(timers()).toBe(before);
  });
});

describe('result', () => {
  it('is the value, asked for before or after the end', async () => {
    const { handle, operation } = begin();
    const early = operation.result;
    expect(await isPending(early)).toBe(true);
    await handle.complete('value');
    expect(await early).toBe('value');
    expect(await operation.result).toBe('value');
    expect(operation.result).toBe(early);
  });

  it('is the error of one that failed', async () => {
    const { handle, operation } = begin();
    const failure = new Error('broken');
    await handle.fail(failure);
    expect(await rejection(operation.result)).toBe(failure);
    expect(operation.error).toBe(failure);
  });

  it('is the cancelation of one that was canceled', async () => {
    const { handle, operation } = begin();
    operation.cancel();
    await handle.complete('too late');
    expect(await rejection(operation.result)).toBe(operation.cancelation);
  });
});

describe('callbacks', () => {
  it('calls each in its moment with the operation', async () => {
    const calls: unknown[][] = [];
    const on: RunOptions['on'] = {
      start: (operation) => calls.push(['start', operation.status]),
      progress: (_, { message }) => calls.push(['progress', message]),
      complete: (operation) => calls.push(['complete', operation.status]),
      cancel: (_, error) => calls.push(['cancel', error.reason]),
      error: (_, error) => calls.push(['error', error]),
      settled: (operation) => calls.push(['settled', operation.status]),
    };
    const good = begin({ name: 'good', on });
    good.operation.reportProgress('half');
    await good.handle.complete();
    expect(calls.splice(0)).toEqual([
      ['start', 'running'],
      ['progress', 'half'],
      ['complete', 'completed'],
      ['settled', 'completed'],
    ]);

    const bad = begin({ name: 'bad', on });
    await bad.handle.fail('broken');
    expect(calls.splice(0)).toEqual([
      ['start', 'running'],
      ['error', 'broken'],
      ['settled', 'failed'],
    ]);

    const canceled = begin({ name: 'canceled', on });
    canceled.operation.cancel();
    await canceled.handle.complete();
    expect(calls.splice(0)).toEqual([
      ['start', 'running'],
      ['cancel', 'manual'],
      ['settled', 'canceled'],
    ]);
  });

  it('logs what they throw and changes nothing', async () => {
    const fail = () => {
      throw new Error('broken');
    };
    const on = { start: fail, progress: fail, complete: fail, settled: fail };
    const { handle, operation, log } = begin({ name: 'work', on });
    operation.reportProgress('half');
    await handle.complete('value');

    expect(operation.status).toBe('completed');
    expect(log.errors).toHaveLength(4);
    expect(log.errors.join()).toMatch(/on\.start.*progress.*on\.complete.*on\.settled/);
  });

  it('gives back an unsubscribe for each onX', async () => {
    const { handle, operation } = begin();
    const listener = jest.fn();
    for (const stop of [
      operation.onProgress(listener),
      operation.onCancel(listener),
      operation.onSettled(listener),
    ]) {
      stop();
    }
    operation.reportProgress('half');
    operation.cancel();
    await handle.complete();
    expect(listener).not.toHaveBeenCalled();
  });

  it('calls onSettled after everything: the outcome is known, cleanups have run', async () => {
    const { handle, operation } = begin();
    const order: unknown[] = [];
    operation.onSettled((own: Operation) => order.push(['settled', own.status, own.endedAt]));
    operation.defer(() => order.push('cleanup'));
    await handle.complete();
    expect(order).toEqual(['cleanup', ['settled', 'completed', operation.endedAt]]);
  });
});
