import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  currentOperation,
  type Operation,
  type OperationHandle,
  OperationRegistry,
  type RunOptions,
} from 'nestjs-cancelable';
import { armedTimers } from '../../lib/scope/timers.js';
import { microtasks, rejection, thrown } from '../support/deferred.js';

let registry: OperationRegistry;
let handles: OperationHandle[] = [];

beforeEach(() => {
  jest.useFakeTimers();
  registry = new OperationRegistry();
});

afterEach(async () => {
  for (const handle of handles) await handle.complete();
  handles = [];
  expect(armedTimers()).toBe(0);
  jest.useRealTimers();
});

const left = (operation: Operation) => operation.token.remaining();
const start = (options: RunOptions) => {
  const handle = registry.start(options);
  handles.push(handle);
  return handle;
};
const begin = (timeout: string | number | undefined, name = 'work') =>
  start({ name, ...(timeout === undefined ? undefined : { timeout }) });

describe('rule 12: the effective deadline is the nearest', () => {
  it('cancels with timeout when its own has passed, not before', async () => {
    const { operation } = begin('2s');
    await jest.advanceTimersByTimeAsync(1_999);
    expect(operation.status).toBe('running');
    await jest.advanceTimersByTimeAsync(1);

    expect(operation.cancelation).toMatchObject({
      reason: 'timeout',
      name: 'TimeoutError',
      message: 'timed out after 2s',
    });
  });

  it("is an ancestor's when that is nearer, and arrives as parent", async () => {
    const parent = begin('1s', 'parent');
    const child = await parent.run(() => begin('5s', 'child'));
    const grandchild = await child.run(() => begin(undefined, 'grandchild'));
    expect([parent, child, grandchild].map((each) => left(each.operation))).toEqual([
      1_000, 1_000, 1_000,
    ]);

    await jest.advanceTimersByTimeAsync(1_000);

    expect(parent.operation.cancelation?.reason).toBe('timeout');
    expect(child.operation.cancelation).toMatchObject({
      reason: 'parent',
      cause: parent.operation.cancelation,
    });
    expect(grandchild.operation.cancelation?.cause).toBe(child.operation.cancelation);
  });

  it('is its own when that is nearer, and spares the parent', async () => {
    const parent = begin('5s', 'parent');
    const child = await parent.run(() => begin('1s', 'child'));
    expect(left(child.operation)).toBe(1_000);
    await jest.advanceTimersByTimeAsync(1_000);

    expect(child.operation.cancelation?.reason).toBe('timeout');
    expect(parent.operation.status).toBe('running');
  });

  it('counts a deadline beside a timeout: the nearer of both', () => {
    const inOne = new Date(Date.now() + 1_000);
    expect(left(start({ name: 'a', timeout: '5s', deadline: inOne }).operation)).toBe(1_000);
    expect(left(start({ name: 'b', timeout: '500ms', deadline: inOne }).operation)).toBe(500);
    expect(start({ name: 'c', deadline: inOne }).operation.token.deadline).toEqual(inOne);
  });

  it('never runs the body when the deadline has passed already', async () => {
    const body = jest.fn();
    const run = registry.run({ name: 'late', deadline: new Date(Date.now() - 1) }, body);
    expect(await rejection(run)).toMatchObject({ reason: 'timeout' });
    expect(body).not.toHaveBeenCalled();
  });

  it('is shown in the snapshot, also one that comes from an ancestor', async () => {
    const parent = begin('1s', 'parent');
    const child = await parent.run(() => begin(undefined, 'child'));
    const expected = new Date(Date.now() + 1_000).toISOString();
    expect(child.operation.snapshot().deadline).toBe(expected);
    expect(begin(undefined).operation.snapshot().deadline).toBeUndefined();
  });
});

describe('rule 12: a timer is armed only for a deadline of its own that is the nearest', () => {
  it.each([
    ['none of its own', undefined, 0],
    ["the ancestor's nearer", '2s', 0],
    ['its own nearer', '500ms', 1],
  ])('%s', async (_, timeout, timers) => {
    const parent = begin('1s', 'parent');
    expect(armedTimers()).toBe(1);
    await parent.run(() => begin(timeout, 'child'));
    expect(armedTimers()).toBe(1 + timers);
  });

  it('gives it back when the operation ends', async () => {
    const handle = begin('1s');
    await handle.complete();
    expect(armedTimers()).toBe(0);
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe('rule 12: extend', () => {
  it('counts from now and gives the effective deadline', async () => {
    const { operation } = begin('1s');
    await jest.advanceTimersByTimeAsync(900);

    expect(operation.extend('1s')).toEqual(new Date(Date.now() + 1_000));
    await jest.advanceTimersByTimeAsync(999);
    expect(operation.status).toBe('running');
    await jest.advanceTimersByTimeAsync(1);
    expect(operation.cancelation).toMatchObject({ message: 'timed out after 1.9s' });
  });

  it('may shorten, and may give a deadline to an operation that had none', async () => {
    const { operation } = begin(undefined);
    operation.extend('10s');
    operation.extend('1s');
    await jest.advanceTimersByTimeAsync(1_000);
    expect(operation.cancelation?.reason).toBe('timeout');
  });

  it("never goes past an ancestor's", async () => {
    const parent = begin('1s', 'parent');
    const child = await parent.run(() => begin('500ms', 'child'));
    const end = new Date(Date.now() + 1_000);

    expect(child.operation.extend('1h')).toEqual(end);
    expect(child.operation.token.deadline).toEqual(end);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(child.operation.cancelation?.reason).toBe('parent');
  });

  it('of a parent reaches descendants that are limited by it, and only those', async () => {
    const parent = begin('1s', 'parent');
    const follower = await parent.run(() => begin(undefined, 'follower'));
    const patient = await follower.run(() => begin('3s', 'patient'));
    const hasty = await parent.run(() => begin('500ms', 'hasty'));

    parent.operation.extend('5s');

    expect(left(follower.operation)).toBe(5_000);
    expect(left(patient.operation)).toBe(3_000);
    expect(left(hasty.operation)).toBe(500);
    await jest.advanceTimersByTimeAsync(3_000);
    expect(patient.operation.cancelation?.reason).toBe('timeout');
    expect(follower.operation.status).toBe('running');
  });

  it('moves a deadline by the wall clock too', async () => {
    const { operation } = start({ name: 'w', deadline: new Date(Date.now() + 1_000) });
    operation.extend('10s');
    await jest.advanceTimersByTimeAsync(9_999);
    expect(operation.status).toBe('running');
    await jest.advanceTimersByTimeAsync(1);
    expect(operation.cancelation?.reason).toBe('timeout');
  });

  it('does nothing to an operation that is canceled or has ended', async () => {
    const handle = begin('1s');
    handle.operation.cancel();
    handle.operation.extend('1h');
    await handle.complete();
    handle.operation.extend('1h');
    expect(armedTimers()).toBe(0);
    expect(handle.operation.cancelation?.reason).toBe('manual');
  });

  it.each([0, -1, '0s', 'soon', NaN])('refuses %p', (duration) => {
    expect(() => begin('1s').operation.extend(duration)).toThrow(/operation\.extend\(\)/);
  });
});

describe('rule 13: throwIfCanceled, checkpoint and starting a child compare the clock', () => {
  /** The clock moves, no timer could fire: what a loop that never yields sees. */
  const busy = (milliseconds: number) => {
    const now = performance.now() + milliseconds;
    jest.spyOn(performance, 'now').mockImplementation(() => now);
  };

  afterEach(() => {
    jest.restoreAllMocks();
  });

  it('throwIfCanceled', () => {
    const { operation } = begin('1s');
    busy(999);
    expect(() => operation.token.throwIfCanceled()).not.toThrow();
    busy(2);
    expect(thrown(() => operation.token.throwIfCanceled())).toBe(operation.cancelation);
    expect(operation.cancelation?.reason).toBe('timeout');
  });

  it('checkpoint and sleep', async () => {
    const { operation } = begin('1s');
    busy(1_000);
    expect(await rejection(operation.checkpoint())).toMatchObject({ reason: 'timeout' });
    const other = begin('1s').operation;
    busy(1_000);
    expect(await rejection(other.sleep(1))).toMatchObject({ reason: 'timeout' });
  });

  it('starting a child', async () => {
    const body = jest.fn();
    const work = registry.run({ name: 'work', timeout: '1s' }, async () => {
      busy(1_000);
      return registry.run('child', body);
    });
    const error = await rejection(work);
    expect(error).toMatchObject({ reason: 'timeout', operationName: 'work' });
    expect(body).not.toHaveBeenCalled();
  });

  it('cancels the ancestor whose deadline it is, which arrives as parent', async () => {
    const parent = begin('1s', 'parent');
    const child = await parent.run(() => begin('1h', 'child'));
    busy(1_000);
    const error = thrown(() => child.operation.token.throwIfCanceled());
    expect(error).toMatchObject({ reason: 'parent', cause: { reason: 'timeout' } });
    expect(parent.operation.cancelation?.reason).toBe('timeout');
  });

  it('stops a loop that never yields', async () => {
    jest.useRealTimers();
    const run = new OperationRegistry().run({ name: 'loop', timeout: '5ms' }, () => {
      for (;;) currentOperation().token.throwIfCanceled();
    });
    expect(await rejection(run)).toMatchObject({ reason: 'timeout' });
  });
});

describe('an operation that ends by itself after its deadline', () => {
  const recorded = async (body: () => unknown, options: RunOptions = { timeout: '1s' }) => {
    await registry.run(options, body).catch(() => {});
    return registry.history().at(-1);
  };
  const block = (milliseconds: number) => {
    const now = performance.now() + milliseconds;
    jest.spyOn(performance, 'now').mockImplementation(() => now);
  };

  afterEach(() => {
    jest.restoreAllMocks();
  });

  it('has overrun, whether it gave a value or failed', async () => {
    expect(await recorded(() => block(1_001))).toMatchObject({
      status: 'completed',
      overran: true,
    });
    const failing = () => {
      block(1_001);
      throw new Error('late');
    };
    expect(await recorded(failing)).toMatchObject({ status: 'failed', overran: true });
  });

  it('has not overrun if it was in time, has no deadline, or was canceled', async () => {
    expect(await recorded(() => block(999))).toMatchObject({ overran: false });
    expect(await recorded(() => block(5_000), {})).toMatchObject({ overran: false });
    const canceled = () => {
      currentOperation().cancel();
      block(5_000);
    };
    expect(await recorded(canceled)).toMatchObject({ status: 'canceled', overran: false });
  });

  it('has not overrun while it runs, since the deadline may still be moved', () => {
    const { operation } = begin('1s');
    block(1_001);
    expect(operation.snapshot().overran).toBe(false);
  });

  it("has overrun if the deadline is its parent's", async () => {
    await registry.run({ name: 'parent', timeout: '1s' }, async () => {
      await registry.run('child', () => block(1_001));
    });
    expect(registry.history().map(({ name, overran }) => [name, overran])).toEqual([
      ['child', true],
      ['parent', true],
    ]);
  });
});

describe('rule 24: deadline is wall clock and re-checked at least each minute', () => {
  const MINUTE = 60_000;

  it('comes sooner when the clock is set forward', async () => {
    const { operation } = start({
      name: 'w',
      deadline: new Date(Date.now() + 10 * MINUTE),
    });
    jest.setSystemTime(Date.now() + 9.5 * MINUTE);
    await jest.advanceTimersByTimeAsync(MINUTE);
    expect(operation.cancelation?.reason).toBe('timeout');
  });

  it('comes later when the clock is set back', async () => {
    const deadline = Date.now() + 2 * MINUTE;
    const { operation } = start({ name: 'w', deadline: new Date(deadline) });
    jest.setSystemTime(Date.now() - 5 * MINUTE);
    await jest.advanceTimersByTimeAsync(4 * MINUTE);
    expect(operation.status).toBe('running');
    await jest.advanceTimersByTimeAsync(deadline - Date.now());
    expect(operation.cancelation?.reason).toBe('timeout');
  });

  it('does not move a timeout, which is monotonic', async () => {
    const { operation } = begin(10 * MINUTE);
    jest.setSystemTime(Date.now() + 60 * MINUTE);
    await jest.advanceTimersByTimeAsync(10 * MINUTE - 1);
    expect(operation.status).toBe('running');
    await jest.advanceTimersByTimeAsync(1);
    await microtasks();
    expect(operation.status).toBe('canceling');
  });
});
