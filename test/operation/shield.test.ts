import { afterEach, describe, expect, it, jest } from '@jest/globals';
import {
  type CancelationToken,
  currentOperation,
  currentToken,
  isCancelation,
  OperationRegistry,
} from 'nestjs-cancelable';
import { deferred, isPending, microtasks, rejection } from '../support/deferred.js';
import { MemoryLog } from '../support/memory-log.js';

afterEach(() => {
  jest.useRealTimers();
});

describe('what acts on the current operation inside of a shield', () => {
  /** Runs something in a shield of an operation that is canceled already. */
  const afterCancel = async <Result>(
    work: (operation: ReturnType<typeof currentOperation>) => Promise<Result>,
  ): Promise<Result> => {
    let result!: Result;
    await rejection(
      new OperationRegistry().run({ name: 'order', settle: 'wait' }, async (operation) => {
        operation.cancel();
        await operation.shield(async () => {
          result = await work(currentOperation());
        });
        operation.token.throwIfCanceled();
      }),
    );
    return result;
  };

  it('sleeps and passes checkpoints', async () => {
    const done = await afterCancel(async (operation) => {
      await operation.sleep(1);
      await operation.checkpoint();
      return 'rested';
    });
    expect(done).toBe('rested');
  });

  it('iterates', async () => {
    const items = await afterCancel(async (operation) => {
      const seen: number[] = [];
      for await (const item of operation.stream([1, 2, 3])) seen.push(item);
      return seen;
    });
    expect(items).toEqual([1, 2, 3]);
  });

  it('makes attempts, also through a function that was wrapped before', async () => {
    const registry = new OperationRegistry();
    const seen: unknown[] = [];
    await rejection(
      registry.run({ name: 'order', settle: 'wait' }, async (operation) => {
        const attempt = operation.wrap((token: CancelationToken) => token.isCanceled);
        operation.cancel();
        await operation.shield(async () => {
          seen.push(await attempt(), await currentOperation().wrap(() => 'inside')());
        });
        seen.push((await rejection(attempt())).reason);
        operation.token.throwIfCanceled();
      }),
    );
    expect(seen).toEqual([false, 'inside', 'parent']);
  });

  it('stops with the shield when its limit passes', async () => {
    jest.useFakeTimers();
    const registry = new OperationRegistry({ logger: new MemoryLog() });
    const outcome = deferred<unknown>();
    const work = registry.run('order', async (operation) => {
      await operation.shield(
        async () => outcome.resolve(await rejection(currentOperation().sleep('1h'))),
        { limit: '1s' },
      );
    });
    registry.cancelAll({});
    jest.advanceTimersByTime(1_000);
    await rejection(work);
    expect(await outcome.promise).toMatchObject({ reason: 'manual' });
  });
});

describe('rule 9: shield(fn)', () => {
  it('hands its token to the function', async () => {
    const tokens: CancelationToken[] = [];
    await new OperationRegistry().run('order', (operation) =>
      operation.shield((token) => {
        tokens.push(token, currentToken(), operation.token);
      }),
    );
    expect(tokens[0]).toBe(tokens[1]);
    expect(tokens[0]).not.toBe(tokens[2]);
  });

  it('runs under a token that does not see the cancel, and delivers it at the next check', async () => {
    const registry = new OperationRegistry();
    const payment = deferred<string>();
    const seen: unknown[] = [];
    const result = registry.run('order', async (operation) => {
      const receipt = await operation.shield(async () => {
        const token = currentToken();
        const value = await payment.promise;
        seen.push(token.isCanceled, currentOperation() === operation, operation.token.isCanceled);
        return value;
      });
      seen.push(receipt);
      operation.token.throwIfCanceled();
      seen.push('never');
    });
    const [operation] = registry.list();
    operation?.cancel();
    expect(operation?.token.isCanceled).toBe(true);
    expect(await isPending(result)).toBe(true);
    payment.resolve('receipt');
    expect(await rejection(result)).toMatchObject({ reason: 'manual' });
    await registry.whenIdle();
    expect(seen).toEqual([false, true, true, 'receipt']);
  });

  it('delays the release of the caller, never isCanceled, listeners or the signal', async () => {
    const registry = new OperationRegistry();
    const open = deferred();
    const heard: string[] = [];
    const result = registry.run('order', (operation) => {
      operation.onCancel(() => heard.push('listener'));
      operation.signal.addEventListener('abort', () => heard.push('signal'));
      void operation.shield(() => open.promise);
      return new Promise(() => {});
    });
    registry.cancelAll({});
    expect(heard.sort()).toEqual(['listener', 'signal']);
    expect(await isPending(result)).toBe(true);
    open.resolve();
    expect(await rejection(result)).toMatchObject({ reason: 'manual' });
  });

  it('of a child delays the caller of the parent too', async () => {
    const registry = new OperationRegistry();
    const open = deferred();
    const result = registry.run('parent', () =>
      registry.run('child', (child) => child.shield(() => open.promise)),
    );
    registry.cancelAll({ name: 'parent' });
    expect(await isPending(result)).toBe(true);
    open.resolve();
    expect(await rejection(result)).toMatchObject({ reason: 'manual', operationName: 'parent' });
  });

  it('lets what it calls begin operations, although the operation is canceled', async () => {
    const registry = new OperationRegistry();
    const start = deferred();
    const body = registry.run('order', async (operation) =>
      operation.shield(async () => {
        await start.promise;
        return registry.run('audit', (audit) => [audit.token.isCanceled, audit.parent?.name]);
      }),
    );
    const outcome = rejection(body);
    registry.cancelAll({});
    start.resolve();
    await outcome;
    await registry.whenIdle();
    expect(registry.history({ name: 'audit' })).toMatchObject([{ status: 'completed' }]);
  });

  it('nests, and works inside of an operation that is canceled already', async () => {
    const registry = new OperationRegistry();
    const values: unknown[] = [];
    const body = deferred();
    const result = registry.run({ settle: 'wait' }, async (operation) => {
      operation.cancel();
      values.push(
        await operation.shield(() => operation.shield(async () => currentToken().isCanceled)),
      );
      body.resolve();
      operation.token.throwIfCanceled();
    });
    expect(await rejection(result)).toMatchObject({ reason: 'manual' });
    expect(values).toEqual([false]);
  });

  it('holds across a timeout', async () => {
    jest.useFakeTimers();
    const registry = new OperationRegistry();
    const open = deferred<number>();
    const result = registry.run({ timeout: '1s' }, (operation) =>
      operation.shield(() => open.promise, { limit: '1h' }),
    );
    await jest.advanceTimersByTimeAsync(60_000);
    expect(await isPending(result)).toBe(true);
    open.resolve(1);
    expect(await rejection(result)).toMatchObject({ reason: 'timeout' });
  });

  it('has a limit, counted from the cancel: the caller goes, its own token is canceled', async () => {
    jest.useFakeTimers();
    const log = new MemoryLog();
    const registry = new OperationRegistry({ logger: log });
    let inner: CancelationToken | undefined;
    const result = registry.run('order', (operation) =>
      operation.shield(
        () => {
          inner = currentToken();
          return new Promise(() => {});
        },
        { limit: '2s' },
      ),
    );
    await jest.advanceTimersByTimeAsync(10_000);
    registry.cancelAll({}, { message: 'stop' });
    await jest.advanceTimersByTimeAsync(1_999);
    expect(await isPending(result)).toBe(true);
    expect(inner?.isCanceled).toBe(false);
    await jest.advanceTimersByTimeAsync(1);
    expect(await rejection(result)).toMatchObject({ reason: 'manual', message: 'stop' });
    expect(inner?.reason).toBe('manual');
    expect(log.warnings).toEqual([expect.stringContaining('shield of order')]);
  });

  it('counts its limit from its own start, where that is later than the cancel', async () => {
    jest.useFakeTimers();
    const registry = new OperationRegistry({ logger: new MemoryLog() });
    const start = deferred();
    let inner: CancelationToken | undefined;
    const result = registry.run({ name: 'order', settle: 'wait' }, async (operation) => {
      await start.promise;
      await operation.shield(
        (token) => {
          inner = token;
          return token.sleep('1h');
        },
        { limit: '2s' },
      );
    });
    const outcome = rejection(result);
    registry.cancelAll({});
    await jest.advanceTimersByTimeAsync(10_000);
    start.resolve();
    await jest.advanceTimersByTimeAsync(1_999);
    expect(inner?.isCanceled).toBe(false);
    await jest.advanceTimersByTimeAsync(1);
    expect(inner?.isCanceled).toBe(true);
    expect(await outcome).toMatchObject({ reason: 'manual' });
  });

  it('takes its limit from shutdown.cleanup', async () => {
    jest.useFakeTimers();
    const registry = new OperationRegistry({ shutdown: { cleanup: '1s' } });
    const result = registry.run('order', (operation) =>
      operation.shield(() => new Promise(() => {})),
    );
    const outcome = rejection(result);
    registry.cancelAll({});
    await jest.advanceTimersByTimeAsync(1_000);
    expect(isCancelation(await outcome)).toBe(true);
  });

  it('gives back what the function throws, and leaves nothing open', async () => {
    const registry = new OperationRegistry();
    const error = new Error('declined');
    const result = registry.run('order', async (operation) => {
      await expect(operation.shield(() => Promise.reject(error))).rejects.toBe(error);
      return operation.shield(() => 5);
    });
    expect(await result).toBe(5);
    await microtasks();
    expect(registry.statistics().live).toBe(0);
  });
});

describe('rule 7: cleanups of a canceled operation', () => {
  it('have a limit, so that a caller that waits does not wait for good', async () => {
    jest.useFakeTimers();
    const log = new MemoryLog();
    const registry = new OperationRegistry({ logger: log, shutdown: { cleanup: '3s' } });
    let token: CancelationToken | undefined;
    const result = registry.run({ name: 'work', settle: 'wait' }, async (operation) => {
      operation.defer(() => {
        token = currentToken();
        return new Promise(() => {});
      });
      operation.cancel();
      operation.token.throwIfCanceled();
    });
    const outcome = rejection(result);
    await jest.advanceTimersByTimeAsync(2_999);
    expect(token?.isCanceled).toBe(false);
    await jest.advanceTimersByTimeAsync(1);
    expect(await outcome).toMatchObject({ reason: 'manual' });
    expect(token?.isCanceled).toBe(true);
    expect(log.warnings).toEqual([expect.stringContaining('cleanups of work')]);
  });
});
