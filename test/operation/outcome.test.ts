import { describe, expect, it, jest } from '@jest/globals';
import { type Operation, OperationRegistry } from 'nestjs-cancelable';
import { Operation as OperationFace } from 'nestjs-cancelable';
import { deferred, isPending, microtasks, rejection } from '../support/deferred.js';
import { MemoryLog } from '../support/memory-log.js';

async function settledOperation(): Promise<Operation> {
  const handle = new OperationRegistry().start('work');
  await handle.complete('done');
  return handle.operation;
}

describe('rule 5: once the outcome is decided, a cancel comes too late', () => {
  it('answers false, and isCanceled stays as it was', async () => {
    const operation = await settledOperation();

    expect(operation.cancel({ reason: 'shutdown' })).toBe(false);
    expect(operation.token.cancel()).toBe(false);
    expect(operation.token.isCanceled).toBe(false);
    expect(operation.status).toBe('completed');
    expect(operation.cancelation).toBeUndefined();
    expect(() => operation.token.throwIfCanceled()).not.toThrow();
  });

  it('stays canceled when it was', async () => {
    const handle = new OperationRegistry().start('work');
    handle.operation.cancel({ reason: 'condition' });
    await handle.complete();

    expect(handle.operation.cancel()).toBe(false);
    expect(handle.operation.token.isCanceled).toBe(true);
    expect(handle.operation.token.reason).toBe('condition');
    expect(handle.operation.token.signal.aborted).toBe(true);
  });

  it('retains no listener', async () => {
    const operation = await settledOperation();
    const listener = jest.fn();

    operation.onCancel(listener);
    operation.token.onCancel(listener);
    operation.cancel();

    expect(OperationFace.stateOf(operation).listenerCount).toBe(0);
    expect(listener).not.toHaveBeenCalled();
  });

  it('leaves whenCanceled() pending', async () => {
    const operation = await settledOperation();
    operation.cancel();
    expect(await isPending(operation.token.whenCanceled())).toBe(true);
  });

  it('is too late already while cleanups run', async () => {
    const cleanup = deferred();
    const handle = new OperationRegistry().start('work');
    handle.operation.defer(() => cleanup.promise);
    const completed = handle.complete();

    expect(handle.operation.cancel()).toBe(false);
    cleanup.resolve();
    await completed;

    expect(handle.operation.status).toBe('completed');
  });

  it('puts the id of the current operation as requestedBy, unless told', async () => {
    const registry = new OperationRegistry();
    const first = registry.start('first').operation;
    const second = registry.start('second').operation;
    const third = registry.start('third').operation;
    const id = await registry.run('asker', (operation) => {
      first.cancel();
      second.cancel({ requestedBy: 'ann' });
      return operation.id;
    });
    third.cancel();

    expect(first.cancelation?.requestedBy).toBe(id);
    expect(second.cancelation?.requestedBy).toBe('ann');
    expect(third.cancelation?.requestedBy).toBeUndefined();
    expect(first.snapshot().requestedBy).toBe(id);
  });
});

describe('rule 7: the outcome is decided when the body settles', () => {
  it.each(['race', 'wait'] as const)(
    'lets a cancel win if it comes before the library has seen the result (%s)',
    async (settle) => {
      const registry = new OperationRegistry();
      const body = deferred<string>();
      let operation!: Operation;
      const work = registry.run({ name: 'work', settle }, (own) => {
        operation = own;
        return body.promise;
      });

      body.resolve('value');
      expect(operation.cancel()).toBe(true);

      if (settle === 'race') expect(await rejection(work)).toBe(operation.cancelation);
      else expect(await work).toBe('value');
      await microtasks();
      expect(operation.status).toBe('canceled');
    },
  );

  it.each(['race', 'wait'] as const)('makes the caller wait for cleanups (%s)', async (settle) => {
    const registry = new OperationRegistry();
    const cleanup = deferred();
    const fail = async () => {
      throw new Error('broken');
    };
    const good = registry.run({ name: 'good', settle }, (operation) => {
      operation.defer(() => cleanup.promise);
      return 'value';
    });
    const bad = registry.run({ name: 'bad', settle }, (operation) => {
      operation.defer(() => cleanup.promise);
      return fail();
    });
    bad.catch(() => {});
    expect(await isPending(good)).toBe(true);
    expect(await isPending(bad)).toBe(true);

    cleanup.resolve();

    expect(await good).toBe('value');
    expect(await rejection(bad)).toMatchObject({ message: 'broken' });
  });

  it('runs cleanups in race after a cancel once the body settles, and nobody waits', async () => {
    const registry = new OperationRegistry();
    const order: string[] = [];
    const body = deferred();
    const running = deferred<Operation>();
    const work = registry.run('work', async (operation) => {
      operation.defer(() => order.push('cleanup'));
      running.resolve(operation);
      await body.promise;
      order.push('body');
    });
    const operation = await running.promise;
    operation.cancel();
    await rejection(work);
    order.push('caller');
    expect(operation.status).toBe('canceling');

    body.resolve();
    await microtasks();

    expect(order).toEqual(['caller', 'body', 'cleanup']);
    expect(operation.status).toBe('canceled');
  });

  it("makes a caller with settle 'wait' wait for body and cleanups after a cancel", async () => {
    const registry = new OperationRegistry();
    const cleanup = deferred();
    const running = deferred<Operation>();
    const work = registry.run({ name: 'work', settle: 'wait' }, async (operation) => {
      operation.defer(() => cleanup.promise);
      running.resolve(operation);
      await operation.sleep('1h');
    });
    const operation = await running.promise;
    operation.cancel();
    work.catch(() => {});
    expect(await isPending(work)).toBe(true);

    cleanup.resolve();

    expect(await rejection(work)).toBe(operation.cancelation);
  });

  it('logs a cleanup that fails, changes nothing and goes on to the next', async () => {
    const log = new MemoryLog();
    const registry = new OperationRegistry({ logger: log });
    const last = jest.fn();
    const value = await registry.run('work', (operation) => {
      operation.defer(last);
      operation.defer(() => {
        throw new Error('one');
      });
      operation.defer(() => Promise.reject(new Error('two')));
      return 'value';
    });

    expect(value).toBe('value');
    expect(last).toHaveBeenCalledTimes(1);
    expect(registry.history()[0]!.status).toBe('completed');
    expect(log.errors).toEqual([
      'A cleanup of work failed: Error: two',
      'A cleanup of work failed: Error: one',
    ]);
  });

  it('runs a defer after the end at once, and logs its failure', async () => {
    const log = new MemoryLog();
    const handle = new OperationRegistry({ logger: log }).start('work');
    await handle.complete();
    const cleanup = jest.fn();

    handle.operation.defer(cleanup);
    handle.operation.defer(() => Promise.reject(new Error('late')));
    await microtasks();

    expect(cleanup).toHaveBeenCalledTimes(1);
    expect(log.errors).toEqual(['A cleanup of work failed: Error: late']);
  });

  it('runs a defer that a cleanup adds', async () => {
    const order: string[] = [];
    await new OperationRegistry().run('work', (operation) => {
      operation.defer(() => order.push('first'));
      operation.defer(() => operation.defer(() => order.push('added')));
    });
    expect(order).toEqual(['added', 'first']);
  });
});
