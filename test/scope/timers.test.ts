import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { CancelationToken, OperationRegistry } from 'nestjs-cancelable';
import { arm, armedTimers, disarm, Timed } from '../../lib/scope/timers.js';
import { deferred, rejection } from '../support/deferred.js';
import { runFixture } from '../support/fixture.js';

class Alarm extends Timed {
  constructor(private readonly onExpired: () => void) {
    super();
  }

  override expired(): void {
    this.onExpired();
  }
}

const DAY = 86_400_000;

afterEach(() => {
  jest.useRealTimers();
  expect(armedTimers()).toBe(0);
});

describe('rule 24: a fired timer is trusted, long ones are chained by count', () => {
  it('waits longer than setTimeout can, also where only the timers are fake', async () => {
    jest.useFakeTimers({ doNotFake: ['performance', 'Date'] });
    const { operation } = new OperationRegistry().start({ name: 'long', timeout: '60d' });
    await jest.advanceTimersByTimeAsync(60 * DAY - 1);
    expect(operation.status).toBe('running');
    await jest.advanceTimersByTimeAsync(1);
    expect(operation.cancelation?.reason).toBe('timeout');
    disarm(scopeOf(operation.token));
  });

  it('is armed for a year without firing at once', async () => {
    const handle = new OperationRegistry().start({ name: 'long', timeout: '1y' });
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(handle.operation.status).toBe('running');
    expect(armedTimers()).toBe(1);
    await handle.complete();
  });

  it('works with timers that were faked after the registry was made, and back again', async () => {
    const registry = new OperationRegistry();
    jest.useFakeTimers();
    const faked = registry.start({ name: 'faked', timeout: '1h' });
    jest.advanceTimersByTime(3_600_000);
    expect(faked.operation.cancelation?.reason).toBe('timeout');
    await faked.complete();

    jest.useRealTimers();
    const real = registry.run({ name: 'real', timeout: 1 }, () => new Promise(() => {}));
    expect(await rejection(real)).toMatchObject({ reason: 'timeout' });
    registry.list().forEach(({ token }) => disarm(scopeOf(token)));
  });

  it('does not fire early: fractions are rounded up', async () => {
    jest.useFakeTimers();
    const { operation } = new OperationRegistry().start({ name: 'short', timeout: 1.5 });
    await jest.advanceTimersByTimeAsync(1);
    expect(operation.status).toBe('running');
    await jest.advanceTimersByTimeAsync(1);
    expect(operation.status).toBe('canceling');
    disarm(scopeOf(operation.token));
  });
});

describe('rule 24: no timer keeps a process alive', () => {
  it('of a deadline, a zombie, a source, a shield, a cleanup, a token or a heartbeat', async () => {
    const { timers, live } = await runFixture<{ timers: number; live: number }>(
      new URL('idle.fixture.ts', import.meta.url),
    );
    expect(live).toBe(9);
    expect(timers).toBeGreaterThanOrEqual(live);
  });
});

describe('timers that share a queue', () => {
  it('fire in the order in which they are due, and only once', async () => {
    const fired: number[] = [];
    const last = deferred();
    const alarms = Array.from(
      { length: 100 },
      (_, index) =>
        new Alarm(() => {
          fired.push(index);
          if (index === 99) last.resolve();
        }),
    );
    for (const alarm of alarms) arm(alarm, 10, performance.now());
    for (const index of [0, 50]) disarm(alarms[index]!);
    await last.promise;
    expect(fired).toEqual(Array.from({ length: 100 }, (_, index) => index).filter((i) => i % 50));
  });

  it('are not late when one that fires arms the same delay again', async () => {
    const events: string[] = [];
    const done = deferred();
    const delay = 300;
    const again = new Alarm(() => events.push('again'));
    const first = new Alarm(() => {
      events.push('first');
      arm(again, delay, performance.now());
      setTimeout(() => {
        events.push('comparison');
        done.resolve();
      }, delay / 2);
    });
    const second = new Alarm(() => events.push('second'));
    arm(first, delay, performance.now());
    await new Promise((resolve) => setTimeout(resolve, 20));
    arm(second, delay, performance.now());

    await done.promise;

    expect(events).toEqual(['first', 'second', 'comparison']);
    disarm(again);
  });

  it('wait again for one that arms itself with the same delay', async () => {
    const done = deferred();
    const fired: number[] = [];
    const alarm: Alarm = new Alarm(() => {
      fired.push(performance.now());
      if (fired.length === 1) arm(alarm, 30, performance.now());
      else done.resolve();
    });
    arm(alarm, 30, performance.now());
    await done.promise;
    expect((fired[1] ?? 0) - (fired[0] ?? 0)).toBeGreaterThan(20);
  });

  it('survive the removal of the one that the queue waited for', async () => {
    const fired = deferred();
    const first = new Alarm(() => {
      throw new Error('removed');
    });
    const second = new Alarm(() => fired.resolve());
    arm(first, 20, performance.now());
    await new Promise((resolve) => setTimeout(resolve, 5));
    arm(second, 20, performance.now());
    disarm(first);
    await fired.promise;
    expect(second.timer).toBeUndefined();
  });

  it('count again from now when armed twice', () => {
    jest.useFakeTimers();
    const expired = jest.fn();
    const alarm = new Alarm(expired);
    arm(alarm, 10, performance.now());
    arm(alarm, 30, performance.now());
    jest.advanceTimersByTime(29);
    expect(expired).not.toHaveBeenCalled();
    jest.advanceTimersByTime(1);
    expect(expired).toHaveBeenCalledTimes(1);
    disarm(alarm);
  });

  it('hold thousands of different delays', () => {
    const alarms = Array.from({ length: 5_000 }, () => new Alarm(() => {}));
    alarms.forEach((alarm, index) => arm(alarm, 10_000 + index, performance.now()));
    expect(armedTimers()).toBe(5_000);
    alarms.forEach(disarm);
  });
});

function scopeOf(token: CancelationToken): Timed {
  return CancelationToken.scopeOf(token);
}
