import { describe, expect, it, jest } from '@jest/globals';
import {
  currentOperation,
  currentToken,
  type Operation,
  OperationRegistry,
  ParentCancelation,
  tryCurrentOperation,
} from 'nestjs-cancelable';
import { deferred, microtasks, rejection } from '../support/deferred.js';
import { MemoryLog } from '../support/memory-log.js';

const setup = () => {
  const log = new MemoryLog();
  return { log, registry: new OperationRegistry({ logger: log }) };
};

describe('the ambient operation', () => {
  it('is the one that the code belongs to, across awaits', async () => {
    const { registry } = setup();
    expect(tryCurrentOperation()).toBeUndefined();
    expect(() => currentOperation()).toThrow(/no current operation/);

    await registry.run('outer', async (outer) => {
      expect(currentOperation()).toBe(outer);
      await registry.run('inner', async (inner) => {
        await Promise.resolve();
        expect(currentOperation()).toBe(inner);
        expect(currentToken()).toBe(inner.token);
        expect(inner.parent).toBe(outer);
        expect(outer.children).toEqual([inner]);
      });
      expect(currentOperation()).toBe(outer);
      expect(outer.children).toEqual([]);
    });
    expect(tryCurrentOperation()).toBeUndefined();
  });

  it('hands metadata and tags down, the nearer first', async () => {
    const { registry } = setup();
    const parent = registry.start({ name: 'p', metadata: { owner: 'ann', size: 1 }, tags: ['a'] });
    parent.operation.annotate({ tenant: 't' });
    const child = await parent.run(() =>
      registry.start({ name: 'c', metadata: { size: 2 }, tags: ['b', 'a'] }),
    );
    expect(child.operation.metadata).toEqual({ owner: 'ann', tenant: 't', size: 2 });
    expect(child.operation.tags).toEqual(['a', 'b']);
    expect(parent.operation.metadata).toEqual({ owner: 'ann', tenant: 't', size: 1 });
  });

  it('keeps two operations apart that run side by side', async () => {
    const { registry } = setup();
    const names = await Promise.all(
      ['one', 'two', 'three'].map((name) =>
        registry.run(name, async () => {
          await new Promise((resolve) => setImmediate(resolve));
          return currentOperation().name;
        }),
      ),
    );
    expect(names).toEqual(['one', 'two', 'three']);
  });
});

describe('rule 14: when a parent settles, children that still run are canceled', () => {
  const leaveChild = async (outcome: 'complete' | 'fail', name = 'parent') => {
    const { registry, log } = setup();
    const parent = registry.start(name);
    let child!: Operation;
    const lost = await parent.run(() => ({
      promise: registry.run('child', (own) => {
        child = own;
        return own.sleep('1h');
      }),
    }));
    if (outcome === 'complete') await parent.complete();
    else await parent.fail(new Error('broken'));
    return { registry, log, parent: parent.operation, child, lost: lost.promise };
  };

  it('with reason parent, whatever became of the parent', async () => {
    const completed = await leaveChild('complete');
    expect(await rejection(completed.lost)).toBe(completed.child.cancelation);
    expect(completed.child.cancelation).toMatchObject({
      reason: 'parent',
      message: 'parent parent has completed',
    });

    const failed = await leaveChild('fail');
    expect(await rejection(failed.lost)).toMatchObject({ message: 'parent parent has failed' });
  });

  it('says once per name how to keep such work, if the parent completed', async () => {
    const { registry, log } = setup();
    for (let count = 0; count < 3; count++) {
      await registry.run('careless', () => {
        void registry.run('lost', (own) => own.sleep('1h'));
        void registry.run('lost too', (own) => own.sleep('1h'));
      });
    }
    await registry.run('other', () => void registry.run('lost', (own) => own.sleep('1h')));

    expect(log.warnings).toHaveLength(2);
    expect(log.warnings[0]).toMatch(/^careless completed .*await it.*detached: true.*spawn/);
    expect(log.warnings[1]).toMatch(/^other completed/);
    expect((await leaveChild('fail')).log.warnings).toEqual([]);
  });

  it('does not wait for children that are canceling; they become roots with a parentId', async () => {
    const { registry } = setup();
    const body = deferred();
    let child!: Operation;
    const work = registry.run('parent', async () => {
      await registry.run('child', (own) => {
        child = own;
        return body.promise;
      });
    });
    const parent = child.parent as Operation;
    parent.cancel();
    await rejection(work);
    await microtasks();

    expect(parent.status).toBe('canceled');
    expect(child.status).toBe('canceling');
    expect(registry.tree()).toMatchObject([
      { id: child.id, status: 'canceling', parentId: parent.id, rootId: parent.id, children: [] },
    ]);

    body.resolve();
    await microtasks();
    expect(registry.find(child.id)).toMatchObject({ status: 'canceled', parentId: parent.id });
  });

  it('leaves alone a child that is only cleaning up', async () => {
    const { registry } = setup();
    const cleanup = deferred();
    const parent = registry.start('parent');
    const child = await parent.run(() => registry.start('child'));
    child.operation.defer(() => cleanup.promise);
    const completed = child.complete();
    await parent.complete();

    cleanup.resolve();
    await completed;

    expect(child.operation.status).toBe('completed');
    expect(registry.find(child.operation.id)?.parentId).toBe(parent.operation.id);
  });

  it('keeps work that a listener began, with its parentId', async () => {
    const { registry } = setup();
    const handle = registry.start('work');
    let audit!: Operation;
    const body = deferred();
    handle.operation.onSettled(() => {
      void registry.run('audit', (own) => {
        audit = own;
        return body.promise;
      });
    });
    await handle.complete();

    expect(audit.status).toBe('running');
    expect(audit.snapshot()).toMatchObject({
      parentId: handle.operation.id,
      rootId: handle.operation.id,
    });
    body.resolve();
    await microtasks();
    expect(audit.status).toBe('completed');
  });
});

describe('rule 15: detached', () => {
  it('inherits no cancel and no deadline', async () => {
    const { registry } = setup();
    const parent = registry.start({ name: 'parent', timeout: '1h' });
    const detached = await parent.run(() => registry.start({ name: 'free', detached: true }));
    expect(detached.operation.token.deadline).toBeUndefined();

    parent.operation.cancel();
    await parent.complete();

    expect(detached.operation.status).toBe('running');
    await detached.complete();
  });

  it('starts even in a canceled scope', async () => {
    const { registry } = setup();
    const body = jest.fn(() => 'ran');
    const work = registry.run('parent', async (operation) => {
      operation.cancel();
      return registry.run({ name: 'free', detached: true }, body);
    });
    await rejection(work);
    expect(body).toHaveBeenCalledTimes(1);
  });

  it('keeps metadata, tags and parentId, and its own children', async () => {
    const { registry } = setup();
    const parent = registry.start({ name: 'parent', metadata: { owner: 'ann' }, tags: ['a'] });
    const detached = await parent.run(() => registry.start({ name: 'free', detached: true }));
    const child = await detached.run(() => registry.start('child'));

    expect(detached.operation.snapshot()).toMatchObject({
      metadata: { owner: 'ann' },
      tags: ['a'],
      parentId: parent.operation.id,
      rootId: parent.operation.id,
    });
    expect(detached.operation.parent).toBeUndefined();
    expect(parent.operation.children).toEqual([]);
    detached.operation.cancel();
    expect(child.operation.cancelation?.reason).toBe('parent');
  });
});

describe('operation.children', () => {
  it('has what was begun in a shield and in a cleanup, oldest first', async () => {
    const { registry } = setup();
    const open = deferred();
    const names: string[][] = [];
    const look = (operation: Operation) =>
      names.push(operation.children.map((child) => child.name));
    await registry.run('order', async (operation) => {
      operation.defer(async () => {
        const audit = registry.run('audit', () => open.promise);
        look(operation);
        open.resolve();
        await audit;
      });
      const end = deferred();
      const first = registry.run('first', () => end.promise);
      const shielded = operation.shield(async () => {
        const payment = registry.run('payment', () => end.promise);
        const last = registry.run('last', () => end.promise);
        look(operation);
        end.resolve();
        await payment;
        await last;
      });
      await first;
      await shielded;
      look(operation);
    });
    expect(names).toEqual([['first', 'payment', 'last'], [], ['audit']]);
  });
});

describe('rule 16: a call from a context whose operation has ended', () => {
  /** A function that runs later what it is given, in the context of an operation. */
  const lateCaller = async (
    registry: OperationRegistry,
    outcome: 'completed' | 'failed' | 'canceled',
  ) => {
    const now = deferred();
    const later = deferred<unknown>();
    await registry
      .run('owner', async (operation) => {
        void now.promise.then(() => {
          later.resolve(registry.run('late', (own) => own.snapshot()));
          later.promise.catch(() => {});
        });
        if (outcome === 'failed') throw new Error('broken');
        if (outcome === 'canceled') {
          operation.cancel();
          operation.token.throwIfCanceled();
        }
      })
      .catch(() => {});
    await microtasks();
    now.resolve();
    return later.promise;
  };

  it.each(['completed', 'failed'] as const)('is a new root if it %s', async (outcome) => {
    const { registry } = setup();
    const late = (await lateCaller(registry, outcome)) as any;
    expect(late).toMatchObject({ name: 'late', status: 'running' });
    expect(late.parentId).toBeUndefined();
    expect(late.rootId).toBe(late.id);
  });

  it('is a new root, too, if it was canceled and its body has settled: logged once per name', async () => {
    const { registry, log } = setup();
    for (let count = 0; count < 3; count++) {
      const late = (await lateCaller(registry, 'canceled')) as any;
      expect(late).toMatchObject({ name: 'late', status: 'running' });
      expect(late.parentId).toBeUndefined();
    }
    expect(log.warnings).toHaveLength(1);
    expect(log.warnings[0]).toMatch(/^late was called from the context of .*canceled.*bind\(/);
  });

  it('is refused with parent as long as the canceled body still runs', async () => {
    const { registry, log } = setup();
    const go = deferred();
    const end = deferred();
    const refused = deferred<unknown>();
    const work = registry.run('owner', async () => {
      await go.promise;
      refused.resolve(await rejection(registry.run('late', () => {})));
      await end.promise;
    });
    registry.cancelAll({ name: 'owner' });
    await rejection(work);
    go.resolve();
    const error = await refused.promise;
    expect(error).toBeInstanceOf(ParentCancelation);
    expect(error).toMatchObject({ reason: 'parent', operationName: 'late' });
    expect(log.warnings).toEqual([]);
    end.resolve();
  });

  it('is a new root while cleanups still run: the body cannot be the one that calls', async () => {
    const { registry } = setup();
    const go = deferred();
    const cleaned = deferred();
    const late = deferred<unknown>();
    const work = registry.run('owner', (operation) => {
      operation.defer(() => cleaned.promise);
      void go.promise.then(() => late.resolve(registry.run('late', (own) => own.parent?.name)));
      operation.cancel();
    });
    await rejection(work);
    await microtasks();
    go.resolve();
    expect(await late.promise).toBeUndefined();
    cleaned.resolve();
    await registry.whenIdle();
  });
});

describe("rule 17: progress reaches the ancestors' listeners with its origin", () => {
  it('bubbles to every ancestor, not to siblings, not out of detached work', async () => {
    const { registry } = setup();
    const heard: string[] = [];
    const hear = (operation: Operation) =>
      operation.onProgress((progress) =>
        heard.push(`${operation.name}: ${progress.message} from ${progress.operationName}`),
      );
    const root = registry.start('root');
    const child = await root.run(() => registry.start('child'));
    const leaf = await child.run(() => registry.start('leaf'));
    const sibling = await root.run(() => registry.start('sibling'));
    const free = await root.run(() => registry.start({ name: 'free', detached: true }));
    for (const { operation } of [root, child, leaf, sibling, free]) hear(operation);

    leaf.operation.reportProgress('half');
    free.operation.reportProgress('alone');

    expect(heard).toEqual([
      'leaf: half from leaf',
      'child: half from leaf',
      'root: half from leaf',
      'free: alone from free',
    ]);
    expect(root.operation.progress).toMatchObject({
      message: 'half',
      operationId: leaf.operation.id,
    });
  });

  it('operations keep their parentId and rootId when all have ended', async () => {
    const registry = new OperationRegistry();
    const root = registry.start('root');
    const child = await root.run(() => registry.start('child'));
    const grandchild = await child.run(() => registry.start('grandchild'));
    const detached = await grandchild.run(() => registry.start({ detached: true }));
    const below = await detached.run(() => registry.start('below'));
    const ids = () =>
      [root, child, grandchild, detached, below].map(({ operation }) => [
        operation.parentId,
        operation.rootId,
      ]);
    const rootId = root.operation.id;
    const expected = [
      [undefined, rootId],
      [rootId, rootId],
      [child.operation.id, rootId],
      [grandchild.operation.id, rootId],
      [detached.operation.id, rootId],
    ];
    expect(ids()).toEqual(expected);
    expect(registry.list({ rootId })).toHaveLength(5);
    expect(registry.list({ parentId: child.operation.id })).toEqual([grandchild.operation]);

    await child.complete();
    expect(registry.list({ rootId }).map(({ name }) => name)).not.toContain('child');
    expect(ids()).toEqual(expected);
    for (const handle of [root, grandchild, below, detached]) await handle.complete();
    expect(ids()).toEqual(expected);
    expect(registry.history({ rootId })).toHaveLength(5);
  });
});
