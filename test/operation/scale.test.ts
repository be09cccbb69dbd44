import { describe, expect, it } from '@jest/globals';
import {
  CancelationToken,
  type Operation,
  type OperationHandle,
  OperationRegistry,
  rootCause,
} from 'nestjs-cancelable';
import { armedTimers } from '../../lib/scope/timers.js';
import { deferred, microtasks, rejection } from '../support/deferred.js';

const LEVELS = 10_000;
const CHILDREN = 100_000;

const unlimited = () => new OperationRegistry({ maxLive: 1_000_000, history: { limit: 10 } });

/** Handles, each begun inside of the one before. */
async function chain(registry: OperationRegistry, levels: number): Promise<OperationHandle[]> {
  const handles = [registry.start('level')];
  while (handles.length < levels) {
    handles.push(await (handles.at(-1) as OperationHandle).run(() => registry.start('level')));
  }
  return handles;
}

describe('rule 1: deep trees', () => {
  it('cancel 10,000 levels, deepest listener first, without overflowing the stack', async () => {
    const registry = unlimited();
    const handles = await chain(registry, LEVELS);
    const order: number[] = [];
    for (const index of [0, 5_000, LEVELS - 1]) {
      handles[index]!.operation.onCancel(() => order.push(index));
    }

    expect(registry.cancelAll({}, { reason: 'disconnect' })).toBe(LEVELS);

    expect(order).toEqual([LEVELS - 1, 5_000, 0]);
    const error = handles[LEVELS - 1]!.operation.cancelation;
    expect(error?.reason).toBe('parent');
    expect(rootCause(error)).toBe(handles[0]!.operation.cancelation);
    expect(handles[LEVELS - 1]!.operation.snapshot().rootId).toBe(handles[0]!.operation.id);
    for (const handle of handles.reverse()) await handle.complete();
    expect(registry.list()).toEqual([]);
  });

  it('are listed, shown as a tree and ended in a time that grows with their depth, not its square', async () => {
    const registry = unlimited();
    const handles = await chain(registry, 5 * LEVELS);
    const rootId = handles[0]!.operation.id;

    expect(registry.list({ rootId })).toHaveLength(5 * LEVELS);
    const tree = registry.tree();
    for (const handle of handles.reverse()) await handle.complete();

    expect(tree).toHaveLength(100);
    expect(tree.every((node) => node.rootId === rootId)).toBe(true);
    expect(tree[1]!.parentId).toBeDefined();
    expect(JSON.stringify(tree).split('"id":')).toHaveLength(5 * LEVELS + 1);
    expect(registry.history({ rootId })).toHaveLength(10);
  });

  it('settle from the top, which cancels all below', async () => {
    const registry = unlimited();
    const [root, ...below] = await chain(registry, LEVELS);
    await root!.complete();
    expect(below.every(({ operation }) => operation.cancelation?.reason === 'parent')).toBe(true);
    for (const handle of below) await handle.complete();
    expect(armedTimers()).toBe(0);
  });

  it('release every caller of 10,000 awaiting levels with its own error', async () => {
    const registry = unlimited();
    const bottom = deferred();
    const level = async (left: number): Promise<void> => {
      await Promise.resolve();
      if (left > 0) return registry.run('level', () => level(left - 1));
      bottom.resolve();
      await new Promise<void>((_, reject) => {
        registry.list({ limit: 1 })[0]!.onCancel(reject);
      });
    };
    let root!: Operation;
    const work = registry.run('root', (operation) => {
      root = operation;
      return level(LEVELS);
    });
    await bottom.promise;

    root.cancel({ reason: 'disconnect' });

    expect(await rejection(work)).toBe(root.cancelation);
    await registry.whenIdle();
    expect(registry.statistics().byReason).toEqual({ disconnect: 1, parent: LEVELS });
  });

  it('pass progress and an extended deadline through', async () => {
    const registry = unlimited();
    const handles = await chain(registry, 1_000);
    const bottom = handles[999]!.operation;
    handles[0]!.operation.extend('1h');
    expect(bottom.token.remaining()).toBeGreaterThan(3_500_000);
    bottom.reportProgress('deep');
    expect(handles[0]!.operation.progress?.message).toBe('deep');
    await handles[0]!.complete();
    for (const handle of handles) await handle.complete();
  });

  it('link 1,000 tokens in a row', () => {
    const first = new CancelationToken();
    let last = first;
    for (let link = 0; link < 1_000; link++) last = CancelationToken.any(last);
    first.cancel({ reason: 'condition' });
    expect(last.reason).toBe('condition');
    expect(rootCause(last.error)).toBe(first.error);
  });
});

describe('rule 1: wide trees', () => {
  it('cancel 100,000 children without overflowing the stack, and leave no timer', async () => {
    const registry = unlimited();
    const root = registry.start('root');
    const body = deferred();
    const released = await root.run(() => ({
      all: Array.from({ length: CHILDREN }, () =>
        registry.run('child', () => body.promise).catch((error) => error.reason as string),
      ),
    }));
    expect(registry.statistics().live).toBe(CHILDREN + 1);

    expect(registry.cancelAll({ name: 'root' })).toBeGreaterThanOrEqual(1);

    expect(new Set(await Promise.all(released.all))).toEqual(new Set(['parent']));
    expect(registry.list({ status: 'canceling' })).toHaveLength(CHILDREN + 1);
    body.resolve();
    await microtasks();
    await root.complete();
    expect(registry.statistics()).toMatchObject({ live: 0, byReason: { parent: CHILDREN } });
    expect(armedTimers()).toBe(0);
  });

  it('settle above 100,000 children, which are canceled', async () => {
    const registry = unlimited();
    const root = registry.start('root');
    await root.run(() => {
      for (let count = 0; count < CHILDREN; count++) {
        registry.run('child', (own) => own.token.whenCanceled()).catch(() => {});
      }
    });
    await root.complete();
    await registry.whenIdle();
    expect(registry.statistics().byReason).toEqual({ parent: CHILDREN });
  });
});
