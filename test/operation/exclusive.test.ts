import { describe, expect, it } from '@jest/globals';
import { OperationConflict, OperationRegistry, type RunOptions } from 'nestjs-cancelable';
import { deferred, isPending, rejection, thrown } from '../support/deferred.js';
import { MemoryLog } from '../support/memory-log.js';

const options = (
  onConflict: 'cancel-previous' | 'reject' | 'skip' | 'join',
  key?: string,
): RunOptions => ({
  name: 'search',
  exclusive: { key: key ?? 'same for all', onConflict },
});

describe('rule 21: exclusive', () => {
  it('cancel-previous: the latest wins, and does not wait for the old body', async () => {
    const registry = new OperationRegistry();
    const first = registry.run(options('cancel-previous', 'ann'), () => new Promise(() => {}));
    const other = deferred<number>();
    const bystander = registry.run(options('cancel-previous', 'bob'), () => other.promise);
    const second = registry.run(options('cancel-previous', 'ann'), () => 2);
    expect(await second).toBe(2);
    expect(await rejection(first)).toMatchObject({ reason: 'superseded', name: 'AbortError' });
    other.resolve(3);
    expect(await bystander).toBe(3);
  });

  it('reject: an OperationConflict, until the body has settled', async () => {
    const registry = new OperationRegistry();
    const body = deferred();
    const first = registry.run(options('reject'), () => body.promise);
    expect(await rejection(registry.run(options('reject'), () => 2))).toBeInstanceOf(
      OperationConflict,
    );
    registry.cancelAll({});
    await rejection(first);
    expect(await rejection(registry.run(options('reject'), () => 2))).toBeInstanceOf(
      OperationConflict,
    );
    body.resolve();
    await registry.whenIdle();
    expect(await registry.run(options('reject'), () => 3)).toBe(3);
  });

  it('skip: resolves to undefined, without a line in the log', async () => {
    const log = new MemoryLog();
    const registry = new OperationRegistry({ logger: log });
    const body = deferred<number>();
    const first = registry.run(options('skip'), () => body.promise);
    let ran = false;
    const second = registry.run(options('skip'), () => {
      ran = true;
    });
    expect(await second).toBeUndefined();
    expect(ran).toBe(false);
    body.resolve(1);
    expect(await first).toBe(1);
    expect(log.everything).toEqual([]);
    expect(registry.history()).toHaveLength(1);
  });

  it('join: the same result, and the same failure', async () => {
    const registry = new OperationRegistry();
    const body = deferred<object>();
    const first = registry.run(options('join'), () => body.promise);
    const second = registry.run(options('join'), () => 'not this one');
    const value = {};
    body.resolve(value);
    expect(await first).toBe(value);
    expect(await second).toBe(value);
    const error = new Error('broken');
    const failing = registry.run(options('join'), () => Promise.reject(error));
    const joined = registry.run(options('join'), () => 1);
    expect(await rejection(failing)).toBe(error);
    expect(await rejection(joined)).toBe(error);
  });

  it('join: a joiner whose own operation is canceled goes alone', async () => {
    const registry = new OperationRegistry();
    const body = deferred<number>();
    const first = registry.run(options('join'), () => body.promise);
    const joiner = registry.run('request', () => registry.run(options('join'), () => 2));
    registry.cancelAll({ name: 'request' });
    expect(await rejection(joiner)).toMatchObject({ reason: 'manual' });
    expect(await isPending(first)).toBe(true);
    body.resolve(1);
    expect(await first).toBe(1);
  });

  it('an ancestor is never the previous one', async () => {
    const registry = new OperationRegistry();
    for (const onConflict of ['cancel-previous', 'reject', 'skip', 'join'] as const) {
      const result = registry.run(options(onConflict), () =>
        registry.run(options(onConflict), () => 'inner'),
      );
      expect(await result).toBe('inner');
    }
  });

  it.each(['cancel-previous', 'reject', 'skip', 'join'] as const)(
    '%s: is asked for only after the scope and the id',
    async (onConflict) => {
      const registry = new OperationRegistry();
      const holder = registry.start({ ...options('reject'), id: 'taken' });
      const again = registry.run({ ...options(onConflict), id: 'taken' }, () => 2);
      const conflict = await rejection(again);
      expect(conflict).toBeInstanceOf(OperationConflict);
      expect(conflict.message).toContain("'taken'");
      const inCanceled = registry.run({ name: 'canceled', settle: 'wait' }, (operation) => {
        operation.cancel();
        return registry.run(options(onConflict), () => 2);
      });
      expect(await rejection(inCanceled)).toMatchObject({ reason: 'manual' });
      expect(holder.operation.status).toBe('running');
      await holder.complete();
    },
  );

  it('spawn gives the one that holds the key; start cannot', async () => {
    const registry = new OperationRegistry();
    const body = deferred();
    const first = registry.spawn(options('join'), () => body.promise);
    expect(registry.spawn(options('join'), () => 1)).toBe(first);
    expect(thrown(() => registry.start(options('skip')))).toBeInstanceOf(OperationConflict);
    body.resolve();
    await first.result;
  });

  it('refuses what it does not know', () => {
    const registry = new OperationRegistry();
    const forgotten = { exclusive: { key: undefined, onConflict: 'skip' } } as const;
    expect(thrown(() => registry.run(forgotten as never, () => 1)).message).toContain(
      'exclusive: key: undefined is not allowed',
    );
    const exclusive = { onConflict: 'queue' } as never;
    expect(thrown(() => registry.run({ exclusive }, () => 1)).message).toContain(
      "'queue' is not allowed",
    );
    const keyOnly = { exclusive: { key: 'a' } } as never;
    expect(thrown(() => registry.run(keyOnly, () => 1)).message).toContain('onConflict');
  });

  it('holds no key of an operation that has ended', async () => {
    const registry = new OperationRegistry();
    for (let index = 0; index < 1_000; index++) {
      await registry.run(options('reject', `key ${index}`), () => index);
      await registry.run(options('reject', `key ${index}`), () => index);
    }
    expect(registry.statistics()).toMatchObject({ live: 0, byStatus: { completed: 2_000 } });
  });

  it('never takes a name and a key for another name and key', async () => {
    const registry = new OperationRegistry();
    const run = (name: string, key: string) =>
      registry.run({ name, exclusive: { key, onConflict: 'reject' } }, () => new Promise(() => {}));
    const pairs = [
      ['a', 'b\nc'],
      ['a\nb', 'c'],
      ['a', '1 b'],
      ['a1', ' b'],
      ['1', '1 1'],
      ['1 1', '1'],
      ['11', ' 1'],
    ] as const;
    for (const [name, key] of pairs) run(name, key).catch(() => {});
    expect(registry.list()).toHaveLength(pairs.length);
    expect(await rejection(run('a', 'b\nc'))).toBeInstanceOf(OperationConflict);
    registry.cancelAll({});
  });

  it('does not join without a key, since nobody can see what a function was asked for', () => {
    const registry = new OperationRegistry();
    const joins = { name: 'report', exclusive: { onConflict: 'join' } } as const;
    for (const begin of [
      () => registry.run(joins, () => 1),
      () => registry.spawn(joins, () => 1),
      () => registry.start(joins),
    ]) {
      expect(thrown(begin).message).toMatch(
        /registry\.\w+\(\): exclusive: 'join' without a key gives the answer of one call to all others/,
      );
    }
    expect(registry.list()).toEqual([]);
  });
});
