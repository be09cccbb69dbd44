import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { availableParallelism } from 'node:os';
import {
  onCondition,
  onResources,
  onSignal,
  type Operation,
  OperationRegistry,
} from 'nestjs-cancelable';
import { isPending, microtasks, rejection } from '../support/deferred.js';

const forever = (operation: Operation) => operation.sleep('1h');

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

describe('row 17: timeouts, signals and conditions', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('onSignal() listens to %s by default', async (signal) => {
    const before = process.listenerCount(signal);
    const result = new OperationRegistry().run({ sources: [onSignal()] }, forever);
    await microtasks();
    expect(process.listenerCount(signal)).toBe(before + 1);
    process.listeners(signal).at(-1)?.(signal);
    expect(await rejection(result)).toMatchObject({
      reason: 'signal',
      message: `received ${signal}`,
    });
    expect(process.listenerCount(signal)).toBe(before);
  });

  it('a function that returns a promise of false is not true', async () => {
    const source = onCondition(() => Promise.resolve(false), { every: '1s' });
    const result = new OperationRegistry().run({ sources: [source] }, forever);
    await jest.advanceTimersByTimeAsync(10_000);
    expect(await isPending(result)).toBe(true);
  });

  it('a condition is called by its name, or by its function’s', async () => {
    const diskIsFull = () => true;
    const named = new OperationRegistry().run({ sources: [onCondition(diskIsFull)] }, forever);
    expect(await rejection(named)).toMatchObject({ message: 'diskIsFull' });
    const source = onCondition(diskIsFull, { name: 'no space' });
    const renamed = new OperationRegistry().run({ sources: [source] }, forever);
    expect(await rejection(renamed)).toMatchObject({ message: 'no space' });
  });

  it('one that fails for ever is reported, and does not hold up the end', async () => {
    const broken = new Error('no connection');
    const source = onCondition(() => Promise.reject(broken), { every: '1s' });
    const result = new OperationRegistry().run({ sources: [source] }, forever);
    const failure = rejection(result);
    await jest.advanceTimersByTimeAsync(5_000);
    expect(await failure).toMatchObject({ reason: 'condition', cause: broken });
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe('row 18: resources', () => {
  it('memory counts against the limit of the container', async () => {
    jest.spyOn(process, 'constrainedMemory').mockReturnValue(process.memoryUsage.rss() * 2);
    const result = new OperationRegistry().run(
      { sources: [onResources({ memory: 0.3, every: '1s' })] },
      forever,
    );
    const failure = rejection(result);
    await jest.advanceTimersByTimeAsync(1_000);
    expect((await failure).message).toMatch(/^memory at \d\d %, limit 30 %$/);
  });

  it('cpu is the time used between two samples, for which nothing waits', async () => {
    const second = 1_000_000 * availableParallelism();
    let used = 0;
    jest.spyOn(process, 'cpuUsage').mockImplementation((previous) => ({
      user: used - (previous?.user ?? 0),
      system: 0,
    }));
    const source = onResources({ cpu: 0.9, every: '1s' });
    const result = new OperationRegistry().run({ sources: [source] }, forever);
    used += 0.5 * second;
    await jest.advanceTimersByTimeAsync(1_000);
    expect(await isPending(result)).toBe(true);
    const failure = rejection(result);
    used += 0.95 * second;
    await jest.advanceTimersByTimeAsync(1_000);
    expect((await failure).message).toBe('cpu at 95 %, limit 90 %');
  });

  it('"sustained" starts anew when a sample is below the limit', async () => {
    const second = 1_000_000 * availableParallelism();
    let used = 0;
    jest.spyOn(process, 'cpuUsage').mockImplementation((previous) => ({
      user: used - (previous?.user ?? 0),
      system: 0,
    }));
    const source = onResources({ cpu: 0.9, every: '1s', sustained: '3s' });
    const result = new OperationRegistry().run({ sources: [source] }, forever);
    const burn = async (share: number, seconds: number) => {
      for (let count = 0; count < seconds; count++) {
        used += share * second;
        await jest.advanceTimersByTimeAsync(1_000);
      }
    };
    await burn(1, 3);
    await burn(0.1, 1);
    await burn(1, 3);
    expect(await isPending(result)).toBe(true);
    const failure = rejection(result);
    await burn(1, 1);
    expect((await failure).reason).toBe('condition');
  });
});
