import { afterEach, describe, expect, it, jest } from '@jest/globals';
import {
  CancelationToken,
  type CleanupOutcome,
  type Operation,
  OperationRegistry,
  type RunOptions,
} from 'nestjs-cancelable';
import { armedTimers } from '../../lib/scope/timers.js';
import { deferred, isPending, microtasks, rejection } from '../support/deferred.js';
import { MemoryLog } from '../support/memory-log.js';

afterEach(() => {
  jest.useRealTimers();
});

/** An operation whose body is a promise that the test settles. */
function begin(options: RunOptions = {}, settings = {}) {
  const log = new MemoryLog();
  const registry = new OperationRegistry({ logger: log, ...settings });
  const body = deferred<unknown>();
  let operation!: Operation;
  const work = registry.run({ name: 'work', ...options }, (own) => {
    operation = own;
    return body.promise;
  });
  work.catch(() => {});
  return { log, registry, body, operation, work };
}

describe("rule 6: settle 'race' releases the caller at once", () => {
  it('rejects with the error while the body goes on as canceling', async () => {
    const { operation, work, body, registry } = begin();
    operation.cancel({ reason: 'disconnect' });

    expect(await rejection(work)).toBe(operation.cancelation);
    expect(operation.status).toBe('canceling');
    expect(registry.list()).toEqual([operation]);

    body.resolve('late');
    await microtasks();
    expect(operation.status).toBe('canceled');
    expect(registry.list()).toEqual([]);
  });

  it('is the default', async () => {
    const { operation, work, body } = begin({});
    operation.cancel();
    expect(await rejection(work)).toBe(operation.cancelation);
    body.resolve('late');
  });

  it('gives the value, or the error itself, of a body that is not canceled', async () => {
    const good = begin();
    good.body.resolve('value');
    expect(await good.work).toBe('value');
    expect(good.operation.status).toBe('completed');

    const bad = begin();
    const failure = new Error('broken');
    bad.body.reject(failure);
    expect(await rejection(bad.work)).toBe(failure);
    expect(bad.operation.status).toBe('failed');
    expect(bad.operation.error).toBe(failure);
    expect(bad.log.everything).toEqual([]);
  });

  it('logs a late result at debug and drops it', async () => {
    const { operation, body, log, registry } = begin();
    operation.cancel();
    body.resolve('late');
    await microtasks();

    expect(log.debugs).toEqual([expect.stringContaining('work returned a value after')]);
    expect(log.warnings).toEqual([]);
    expect(registry.history()[0]).toMatchObject({ status: 'canceled', returned: true });
  });

  it.each([
    ['task', 'warnings', 'debugs'],
    ['http', 'debugs', 'warnings'],
  ] as const)('logs a late error of kind %s among the %s', async (kind, where, elsewhere) => {
    const { operation, body, log } = begin({ kind });
    operation.cancel();
    body.reject(new Error('late'));
    await microtasks();

    expect(log[where]).toEqual(['work failed after it was canceled: Error: late']);
    expect(log[elsewhere]).toEqual([]);
    expect(operation.status).toBe('canceled');
  });

  it('says nothing of a body that stops because of the cancel', async () => {
    const { operation, body, log } = begin();
    operation.cancel();
    body.reject(operation.cancelation);
    await microtasks();
    expect(log.everything).toEqual([]);
  });
});

describe('rule 6: zombies', () => {
  it('are not reported at once where the timeout is as long', async () => {
    const registry = new OperationRegistry({ zombies: { after: 30 } });
    const body = deferred();
    const late = rejection(registry.run({ name: 'work', timeout: 30 }, () => body.promise));
    expect(await late).toMatchObject({ reason: 'timeout' });
    expect(registry.list()[0]?.snapshot().zombie).toBe(false);
    body.resolve();
    await registry.whenIdle();
  });

  it('is a body that still runs: logged, counted, listed', async () => {
    jest.useFakeTimers();
    const log = new MemoryLog();
    const registry = new OperationRegistry({ logger: log, zombies: { after: '5s' } });
    const body = deferred();
    const start = () => {
      registry.run({ name: 'stuck' }, () => body.promise).catch(() => {});
    };
    start();
    start();
    registry.cancelAll({});

    await jest.advanceTimersByTimeAsync(4_999);
    expect(registry.statistics().zombies).toBe(0);
    await jest.advanceTimersByTimeAsync(1);

    expect(registry.statistics().zombies).toBe(2);
    expect(registry.list({ where: ({ zombie }) => zombie })).toHaveLength(2);
    expect(log.warnings).toHaveLength(1);
    expect(log.warnings[0]).toMatch(/^stuck is still running 5s after it was canceled .*manual/);

    body.resolve();
    await microtasks();
    expect(registry.statistics().zombies).toBe(0);
    expect(registry.history().map(({ zombie }) => zombie)).toEqual([true, true]);
    expect(armedTimers()).toBe(0);

    await jest.advanceTimersByTimeAsync(1_000);
    expect(log.warnings).toHaveLength(2);
    expect(log.warnings[1]).toMatch(/^stuck is still running/);
  });

  it('has a line of its own; of many of a name that come at once, one and their number', async () => {
    jest.useFakeTimers();
    const log = new MemoryLog();
    const registry = new OperationRegistry({ logger: log, zombies: { after: '5s' } });
    const start = (name: string, count: number) => {
      for (let index = 0; index < count; index++) {
        registry.run({ name }, () => new Promise(() => {})).catch(() => {});
      }
      registry.cancelAll({});
    };
    start('stuck', 1_000);
    start('other', 1);
    await jest.advanceTimersByTimeAsync(5_000);
    expect(log.warnings.map((line) => line.split(' ', 1)[0])).toEqual(['stuck', 'other']);

    start('stuck', 3);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(log.warnings.slice(2)).toEqual([
      '999 more of stuck were still running 5s after they were canceled',
    ]);

    await jest.advanceTimersByTimeAsync(5_000);
    start('stuck', 1);
    await jest.advanceTimersByTimeAsync(10_000);
    expect(log.warnings.slice(3)).toEqual([
      expect.stringMatching(/^stuck is still running/),
      '2 more of stuck were still running 5s after they were canceled',
      expect.stringMatching(/^stuck is still running/),
    ]);
  });

  it('of more names than are remembered, or of a long one, is said with the others', async () => {
    jest.useFakeTimers();
    const log = new MemoryLog();
    const registry = new OperationRegistry({ logger: log, zombies: { after: '5s' } });
    const long = 'x'.repeat(300);
    const names = [...Array.from({ length: 103 }, (_, index) => `stuck ${index}`), long, long];
    for (const name of names) {
      registry.run({ name }, () => new Promise(() => {})).catch(() => {});
    }
    registry.cancelAll({});
    await jest.advanceTimersByTimeAsync(6_000);
    expect(log.warnings).toHaveLength(102);
    expect(log.warnings.at(-1)).toBe(
      '4 more of other names were still running 5s after they were canceled',
    );

    // The names are quiet by now, and give room to others.
    registry.run({ name: 'new' }, () => new Promise(() => {})).catch(() => {});
    registry.run({ name: long }, () => new Promise(() => {})).catch(() => {});
    registry.cancelAll({});
    await jest.advanceTimersByTimeAsync(5_000);
    expect(log.warnings.slice(102)).toEqual([
      expect.stringMatching(/^new is still running/),
      expect.stringMatching(/^x{256}… is still running/),
    ]);
  });

  it('is not a body that stops in time', async () => {
    jest.useFakeTimers();
    const { operation, body, registry, log } = begin({}, { zombies: { after: '1s' } });
    operation.cancel();
    await jest.advanceTimersByTimeAsync(900);
    body.resolve(undefined);
    await microtasks();
    await jest.advanceTimersByTimeAsync(1_000);

    expect(registry.history()[0]!.zombie).toBe(false);
    expect(log.warnings).toEqual([]);
  });

  it("tells the subscribers of events$, also with settle 'wait'", async () => {
    jest.useFakeTimers();
    const { operation, registry, body } = begin({ settle: 'wait' }, { zombies: { after: '1s' } });
    const types: string[] = [];
    registry.events$.subscribe(({ type }) => types.push(type));
    operation.cancel();
    await jest.advanceTimersByTimeAsync(1_000);
    body.resolve(undefined);
    await microtasks();
    expect(types).toEqual(['canceled', 'zombie', 'settled']);
  });

  it('may still complete its cleanups', async () => {
    jest.useFakeTimers();
    const { operation, body } = begin({}, { zombies: { after: '1s' } });
    const cleanup = jest.fn();
    operation.defer(cleanup);
    operation.cancel();
    await jest.advanceTimersByTimeAsync(1_000);
    body.resolve(undefined);
    await microtasks();
    expect(cleanup).toHaveBeenCalledTimes(1);
  });
});

describe("rule 6: settle 'wait' waits for the body", () => {
  it('gives the caller a value that comes after all', async () => {
    const { operation, work, body, registry } = begin({ settle: 'wait' });
    operation.cancel({ reason: 'condition' });
    expect(await isPending(work)).toBe(true);

    body.resolve('value');

    expect(await work).toBe('value');
    expect(operation.status).toBe('canceled');
    expect(registry.history()[0]).toMatchObject({
      status: 'canceled',
      reason: 'condition',
      returned: true,
    });
    expect(await operation.result).toBe('value');
  });

  it('gives the caller the error of a body that stops', async () => {
    const { operation, work, body, registry } = begin({ settle: 'wait' });
    operation.cancel();
    body.reject(operation.cancelation);

    expect(await rejection(work)).toBe(operation.cancelation);
    expect(registry.history()[0]).toMatchObject({ status: 'canceled', returned: false });
  });
});

describe('rule 10: a synchronous throw rejects, a thenable counts as a promise', () => {
  it.each(['race', 'wait'] as const)('rejects with what was thrown (%s)', async (settle) => {
    const failure = new Error('at once');
    const registry = new OperationRegistry();
    const work = registry.run({ name: 'work', settle }, () => {
      throw failure;
    });
    expect(work).toBeInstanceOf(Promise);
    expect(await rejection(work)).toBe(failure);
    expect(registry.history()[0]).toMatchObject({
      status: 'failed',
      error: { name: 'Error', message: 'at once' },
    });
  });

  it.each(['race', 'wait'] as const)(
    'waits for a thenable, also an iterable one (%s)',
    async (settle) => {
      const thenable = {
        then: (resolve: (value: string) => void) => void queueMicrotask(() => resolve('value')),
        [Symbol.asyncIterator]: () => {
          throw new Error('not an iterable here');
        },
      };
      const registry = new OperationRegistry();
      expect(await registry.run({ name: 'work', settle }, () => thenable as any)).toBe('value');
      expect(registry.history()[0]!.status).toBe('completed');
    },
  );

  it('takes plain values', async () => {
    expect(await new OperationRegistry().run('work', () => 7)).toBe(7);
    expect(await new OperationRegistry().run('work', () => undefined)).toBeUndefined();
  });
});

describe('a cleanup is told the outcome', () => {
  const outcomeOf = async (body: (operation: Operation) => unknown, options: RunOptions = {}) => {
    const registry = new OperationRegistry({ logger: new MemoryLog() });
    const told: CleanupOutcome[] = [];
    let operation!: Operation;
    await registry
      .run({ name: 'work', ...options }, (own) => {
        operation = own;
        own.defer((outcome) => void told.push(outcome));
        return body(own);
      })
      .catch(() => {});
    await registry.whenIdle();
    operation.defer((outcome) => void told.push(outcome));
    return { told, operation };
  };

  it('of a success', async () => {
    const { told } = await outcomeOf(() => 'value');
    expect(told).toEqual([
      { status: 'completed', error: undefined, token: expect.any(CancelationToken) },
      { status: 'completed', error: undefined, token: expect.any(CancelationToken) },
    ]);
  });

  it('of a failure', async () => {
    const failure = new Error('broken');
    const { told } = await outcomeOf(() => Promise.reject(failure));
    expect(told.map(({ status }) => status)).toEqual(['failed', 'failed']);
    expect(told.map(({ error }) => error)).toEqual([failure, failure]);
  });

  it.each(['race', 'wait'] as const)(
    'of a cancel (%s), with a token that is not',
    async (settle) => {
      const { told, operation } = await outcomeOf(
        (own) => {
          own.cancel();
          own.token.throwIfCanceled();
        },
        { settle },
      );
      expect(told.map(({ status }) => status)).toEqual(['canceled', 'canceled']);
      expect(told.map(({ error }) => error)).toEqual([
        operation.cancelation,
        operation.cancelation,
      ]);
      expect(told.map(({ token }) => token.isCanceled)).toEqual([false, false]);
    },
  );

  it('of a cancel whose body returned a value all the same', async () => {
    const { told, operation } = await outcomeOf(
      (own) => {
        own.cancel();
        return 'value';
      },
      { settle: 'wait' },
    );
    expect(told[0]).toMatchObject({ status: 'canceled', error: operation.cancelation });
  });
});
