import { describe, expect, it, jest } from '@jest/globals';
import {
  CancelationToken,
  currentOperation,
  currentToken,
  type Operation,
  OperationRegistry,
  ParentCancelation,
} from 'nestjs-cancelable';
import { deferred, microtasks, rejection, thrown } from '../support/deferred.js';
import { MemoryLog } from '../support/memory-log.js';

/** A tree of handles: root → child → grandchild, each begun inside of the one above. */
async function threeLevels(registry: OperationRegistry) {
  const root = registry.start('root');
  const child = await root.run(() => registry.start('child'));
  const grandchild = await child.run(() => registry.start('grandchild'));
  return { root, child, grandchild };
}

describe('rule 1: first wins, synchronously', () => {
  it('is canceled when cancel() returns, with the first reason', async () => {
    const registry = new OperationRegistry();
    const { operation } = registry.start('work');

    expect(operation.cancel({ reason: 'condition', message: 'full' })).toBe(true);
    expect(operation.token.isCanceled).toBe(true);
    expect(operation.status).toBe('canceling');
    expect(operation.cancel({ reason: 'manual' })).toBe(false);
    expect(registry.cancel(operation.id)).toBe(false);
    expect(operation.cancelation).toMatchObject({
      reason: 'condition',
      message: 'full',
      operationId: operation.id,
      operationName: 'work',
    });
  });

  it('marks the whole subtree before any listener runs', async () => {
    const { root, child, grandchild } = await threeLevels(new OperationRegistry());
    const seen: boolean[][] = [];
    for (const { operation } of [root, child, grandchild]) {
      operation.onCancel(() =>
        seen.push([root, child, grandchild].map((each) => each.operation.token.isCanceled)),
      );
    }

    root.operation.cancel();

    expect(seen).toEqual(Array(3).fill([true, true, true]));
  });

  it('runs listeners deepest first, and releases callers after them', async () => {
    const registry = new OperationRegistry();
    const order: string[] = [];
    const running = deferred();
    const work = registry.run('root', async (root) => {
      root.onCancel(() => order.push('root listener'));
      await registry.run('child', async (child) => {
        child.onCancel(() => order.push('child listener'));
        child.signal.addEventListener('abort', () => order.push('child signal'));
        running.resolve();
        await new Promise(() => {});
      });
    });
    const released = work.catch(() => order.push('caller released'));
    await running.promise;

    registry.cancelAll({ name: 'root' });
    expect(order).toEqual(['child listener', 'child signal', 'root listener']);
    await released;
    expect(order.at(-1)).toBe('caller released');
  });

  it('lets a listener that cancels again change nothing', async () => {
    const { root, child } = await threeLevels(new OperationRegistry());
    const answers: boolean[] = [];
    child.operation.onCancel(() => answers.push(root.operation.cancel({ reason: 'shutdown' })));

    root.operation.cancel({ reason: 'disconnect' });

    expect(answers).toEqual([false]);
    expect(root.operation.cancelation?.reason).toBe('disconnect');
  });

  it('logs a listener that throws or rejects, and goes on to all others', async () => {
    const log = new MemoryLog();
    const { root, child } = await threeLevels(new OperationRegistry({ logger: log }));
    const others = jest.fn();
    child.operation.onCancel(() => {
      throw new Error('broken');
    });
    child.operation.onCancel(async () => Promise.reject(new Error('broken later')));
    child.operation.onCancel(others);
    root.operation.onCancel(others);

    expect(root.operation.cancel()).toBe(true);
    await microtasks();

    expect(others).toHaveBeenCalledTimes(2);
    expect(log.errors).toEqual([
      expect.stringMatching(/cancel listener of child failed: Error: broken$/),
      expect.stringMatching(/cancel listener of child failed: Error: broken later$/),
    ]);
    expect(log.stacks[0]).toContain('canceling.test');
  });

  it('leaves siblings and ancestors alone', async () => {
    const registry = new OperationRegistry();
    const { root, child } = await threeLevels(registry);
    const sibling = await root.run(() => registry.start('sibling'));

    child.operation.cancel();

    expect(root.operation.status).toBe('running');
    expect(sibling.operation.status).toBe('running');
  });

  it('keeps a child that was canceled before with its own reason', async () => {
    const { root, child, grandchild } = await threeLevels(new OperationRegistry());
    child.operation.cancel({ reason: 'superseded' });

    root.operation.cancel({ reason: 'disconnect' });

    expect(child.operation.cancelation?.reason).toBe('superseded');
    expect(grandchild.operation.cancelation?.cause).toBe(child.operation.cancelation);
  });
});

describe('rule 2: listeners, callbacks and cleanups run in the operation, not canceled', () => {
  it.each(['onCancel', 'onSettled', 'onProgress', 'defer', 'on.cancel', 'on.settled', 'on.start'])(
    '%s can start work of its own after the cancel',
    async (hook) => {
      const log = new MemoryLog();
      const registry = new OperationRegistry({ logger: log });
      const outcome = deferred<unknown[]>();
      const audit = async () => {
        const token = currentToken();
        const { id } = currentOperation();
        const audited = await registry.run('audit', (own) => [own.parent?.id, own.status]);
        outcome.resolve([id, token.isCanceled, ...audited]);
      };
      const on = {
        ...(hook === 'on.cancel' ? { cancel: audit } : undefined),
        ...(hook === 'on.settled' ? { settled: audit } : undefined),
        ...(hook === 'on.start' ? { start: audit } : undefined),
      };
      const running = deferred<Operation>();
      const work = registry.run({ name: 'work', on }, async (operation) => {
        if (hook === 'onCancel') operation.onCancel(audit);
        if (hook === 'onSettled') operation.onSettled(audit);
        if (hook === 'onProgress') operation.onProgress(audit);
        if (hook === 'defer') operation.defer(audit);
        running.resolve(operation);
        await operation.sleep('1h').catch((error) => {
          operation.reportProgress('stopping');
          throw error;
        });
      });
      const operation = await running.promise;
      operation.cancel();
      await rejection(work);

      expect(await outcome.promise).toEqual([operation.id, false, operation.id, 'running']);
      expect(log.errors).toEqual([]);
    },
  );

  it('gives them a signal that is not aborted', async () => {
    const { operation } = new OperationRegistry().start('work');
    let aborted: boolean | undefined;
    operation.onCancel(() => (aborted = currentToken().signal.aborted));
    operation.cancel();
    expect(aborted).toBe(false);
  });

  it('does so for listeners on a signal and on tokens derived from it', async () => {
    const registry = new OperationRegistry();
    const handle = registry.start('work');
    const started: string[] = [];
    const audit = (from: string) => () => {
      registry.start('audit');
      started.push(from);
    };
    await handle.run((operation) => {
      operation.signal.addEventListener('abort', audit('signal'));
      CancelationToken.any(operation.token).onCancel(audit('derived'));
      currentToken().onCancel(audit('own'));
    });

    handle.operation.cancel();

    expect(started.sort()).toEqual(['derived', 'own', 'signal']);
  });

  it('keeps catch and finally of the body canceled', async () => {
    const registry = new OperationRegistry();
    const { operation, run } = bindHandle(registry);
    const attempt = deferred<unknown>();
    const work = run(async (own) => {
      try {
        await own.sleep('1h');
      } finally {
        attempt.resolve(await rejection(registry.run('audit', () => 'ran')));
      }
    });
    operation.cancel();
    await rejection(work);
    expect(await attempt.promise).toBeInstanceOf(ParentCancelation);
  });

  it('calls an onX whose moment has passed at once', async () => {
    const handle = new OperationRegistry().start('work');
    const { operation } = handle;
    operation.cancel();
    const onCancel = jest.fn();
    operation.onCancel(onCancel);
    expect(onCancel).toHaveBeenCalledWith(operation.cancelation);

    await handle.complete();
    const onSettled = jest.fn();
    operation.onSettled(onSettled);
    expect(onSettled).toHaveBeenCalledWith(operation);
  });
});

describe('rule 3: a call that starts in a canceled scope never runs its body', () => {
  it('rejects with reason parent and the whole chain', async () => {
    const registry = new OperationRegistry();
    const body = jest.fn();
    const inner = deferred<any>();
    await rejection(
      registry.run('second', async (operation) => {
        operation.cancel({ reason: 'disconnect', requestedBy: 'ann' });
        inner.resolve(await rejection(registry.run('inner', body)));
      }),
    );

    const refused = await inner.promise;
    expect(refused).toBeInstanceOf(ParentCancelation);
    expect(refused).toMatchObject({ operationName: 'inner', requestedBy: 'ann' });
    expect(refused.cause).toMatchObject({ reason: 'disconnect', operationName: 'second' });
    expect(body).not.toHaveBeenCalled();
  });

  it('throws from start(), and counts nothing as begun', async () => {
    const registry = new OperationRegistry();
    await rejection(
      registry.run('outer', (operation) => {
        operation.cancel();
        expect(thrown(() => registry.start('inner'))).toBeInstanceOf(ParentCancelation);
      }),
    );
    expect(registry.statistics().byName.inner?.started ?? 0).toBe(0);
    expect(registry.list()).toEqual([]);
  });

  it('does not run the body either when a callback cancels while it starts', async () => {
    const body = jest.fn();
    const run = new OperationRegistry().run(
      { name: 'work', on: { start: (operation) => operation.cancel({ message: 'not today' }) } },
      body,
    );
    expect(await rejection(run)).toMatchObject({ reason: 'manual', message: 'not today' });
    expect(body).not.toHaveBeenCalled();
  });
});

function bindHandle(registry: OperationRegistry) {
  const handle = registry.start('work');
  return {
    operation: handle.operation,
    run: <Result>(fn: (operation: Operation) => Promise<Result>) => handle.run(fn),
  };
}
