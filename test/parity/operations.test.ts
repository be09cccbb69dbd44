import { describe, expect, it, jest } from '@jest/globals';
import {
  Cancelable,
  CancelationToken,
  currentOperation,
  isCancelation,
  OperationConflict,
  OperationRegistry,
  TimeoutCancelation,
  tryCurrentOperation,
} from 'nestjs-cancelable';
import { deferred, rejection, thrown } from '../support/deferred.js';

class Reports {
  readonly parents: (string | undefined)[] = [];

  @Cancelable({ name: 'render' })
  render(): Promise<void> {
    this.parents.push(currentOperation().parent?.name);
    return currentOperation().sleep('1h');
  }
}

describe('row 1: an operation has an id, a name, a parent and metadata', () => {
  it('as they were given, and all of them are in the registry', async () => {
    const registry = new OperationRegistry();
    await registry.run('import', (parent) =>
      registry.run({ id: 'row-1', name: 'part', metadata: { customer: 7 } }, (part) => {
        expect(part).toMatchObject({ id: 'row-1', name: 'part', metadata: { customer: 7 } });
        expect(part.parent).toBe(parent);
        expect(registry.get('row-1')).toBe(part);
      }),
    );
  });

  it('two with one id at the same time are a conflict, and the first one goes on', async () => {
    const registry = new OperationRegistry();
    const gate = deferred<string>();
    const first = registry.run({ id: 'nightly' }, () => gate.promise);
    const second = registry.run({ id: 'nightly' }, () => 'second');
    expect(await rejection(second)).toBeInstanceOf(OperationConflict);
    gate.resolve('first');
    expect(await first).toBe('first');
    expect(await registry.run({ id: 'nightly' }, () => 'third')).toBe('third');
  });
});

describe('row 4: a tree of operations', () => {
  it('decorated calls belong to the operation they are made in', async () => {
    const registry = new OperationRegistry();
    const reports = new Reports();
    const outcome = registry.run('request', async (request) => {
      const rendered = reports.render();
      request.cancel({ message: 'stop' });
      return rendered;
    });
    expect(await rejection(outcome)).toMatchObject({ reason: 'manual', message: 'stop' });
    expect(reports.parents).toEqual(['request']);
  });

  it('a child may cancel its parent, and its siblings hear of it', async () => {
    const registry = new OperationRegistry();
    const siblings: Promise<unknown>[] = [];
    const outcome = registry.run('parent', async (parent) => {
      siblings.push(
        registry.run('left', (left) => left.sleep('1h')),
        registry.run('cancels', (child) => {
          expect(parent.cancel({ message: 'from below' })).toBe(true);
          expect(child.token.isCanceled).toBe(true);
          return child.sleep('1h');
        }),
        registry.run('right', (right) => right.sleep('1h')),
      );
      await Promise.all(siblings);
    });
    expect(await rejection(outcome)).toMatchObject({ reason: 'manual', message: 'from below' });
    for (const sibling of siblings) {
      expect(await rejection(sibling)).toMatchObject({
        reason: 'parent',
        cause: { reason: 'manual', message: 'from below' },
      });
    }
  });
});

describe('row 5: cancel(reason, message)', () => {
  it('is seen at once, and a second one changes nothing', () => {
    const { operation } = new OperationRegistry().start('work');
    expect(operation.cancel({ reason: 'condition', message: 'disk is full' })).toBe(true);
    expect(operation.token.isCanceled).toBe(true);
    expect(operation.cancel({ message: 'later' })).toBe(false);
    expect(operation.cancelation).toMatchObject({ reason: 'condition', message: 'disk is full' });
  });

  it('spares work below that says detached: there is no cancel that leaves children alone', async () => {
    const registry = new OperationRegistry();
    const gate = deferred<string>();
    let audit: Promise<string> | undefined;
    const outcome = registry.run('order', async (order) => {
      audit = registry.run({ name: 'audit', detached: true }, () => gate.promise);
      order.cancel();
      await audit;
    });
    await rejection(outcome);
    gate.resolve('written');
    expect(await audit).toBe('written');
  });
});

describe('row 6: the current operation', () => {
  it('is gone after a body that threw and a cleanup that failed', async () => {
    const log = { debug: jest.fn(), warn: jest.fn(), error: jest.fn() };
    const registry = new OperationRegistry({ logger: log });
    const outcome = registry.run('work', (operation) => {
      operation.defer(() => {
        throw new Error('the cleanup failed');
      });
      throw new Error('the body failed');
    });
    expect((await rejection(outcome)).message).toBe('the body failed');
    expect(log.error).toHaveBeenCalledTimes(1);
    expect(tryCurrentOperation()).toBeUndefined();
    expect(registry.list()).toEqual([]);
  });
});

describe('row 10: budgets nest, and progress bubbles', () => {
  it('a child is limited by what its parent has left', async () => {
    const registry = new OperationRegistry();
    await registry.run({ name: 'outer', timeout: '1m' }, (outer) =>
      registry.run({ name: 'inner', timeout: '1h' }, (inner) => {
        expect(inner.token.deadline).toEqual(outer.token.deadline);
        expect(inner.token.remaining()).toBeLessThanOrEqual(60_000);
      }),
    );
  });

  it('a grandchild’s report is its grandparent’s progress, and says where it comes from', async () => {
    const registry = new OperationRegistry();
    await registry.run('import', (top) =>
      registry.run('file', () =>
        registry.run('rows', (rows) => {
          rows.reportProgress({ message: 'half', current: 5, total: 10 });
          expect(top.progress).toMatchObject({
            message: 'half',
            percent: 50,
            operationId: rows.id,
            operationName: 'rows',
          });
        }),
      ),
    );
  });
});

describe('row 11: a token', () => {
  it('tells reason, message and moment, and who was first', () => {
    const token = new CancelationToken();
    const before = Date.now();
    expect(token.cancel({ message: 'enough' })).toBe(true);
    expect(token.cancel({ message: 'again' })).toBe(false);
    expect(token).toMatchObject({ isCanceled: true, reason: 'manual' });
    expect(token.error?.message).toBe('enough');
    expect(token.error?.canceledAt.getTime()).toBeGreaterThanOrEqual(before);
  });

  it('throws the reason there was, not always "manual"', () => {
    const error = thrown(() => CancelationToken.timeout(0).throwIfCanceled());
    expect(error).toBeInstanceOf(TimeoutCancelation);
    expect(isCancelation(error)).toBe(true);
  });

  it('of an operation names it: there is no id of a token’s own', async () => {
    const registry = new OperationRegistry();
    const outcome = registry.run({ id: 'row-11' }, (operation) => {
      operation.cancel();
      operation.token.throwIfCanceled();
    });
    expect(await rejection(outcome)).toMatchObject({ operationId: 'row-11' });
  });
});
