import { describe, expect, it } from '@jest/globals';
import {
  ClusterUnavailable,
  OperationConflict,
  OperationRegistry,
  type RunOptions,
  SupersededCancelation,
} from 'nestjs-cancelable';
import { deferred, rejection, thrown, turn } from '../support/deferred.js';
import { randomNumbers } from '../support/random.js';
import { ExclusiveCluster, ScriptedLeases } from './exclusive-cluster.js';

type Mode = 'cancel-previous' | 'reject' | 'skip';

const exclusive = (onConflict: Mode, key = 'a'): RunOptions => ({
  name: 'sync',
  exclusive: { key, onConflict, scope: 'cluster' },
});

/** Two instances, and one operation that runs in the first. */
async function startPair(onConflict: Mode, leases?: ScriptedLeases) {
  const cluster = new ExclusiveCluster(leases);
  const one = cluster.start();
  const two = cluster.start();
  const gate = deferred<string>();
  const entered = deferred();
  const first = one.registry.run(exclusive(onConflict), () => {
    entered.resolve();
    return gate.promise;
  });
  first.catch(() => {});
  await entered.promise;
  return { one, two, gate, first };
}

describe("exclusive: { scope: 'cluster' }", () => {
  it('reject: a conflict that names the instance, until the body has settled', async () => {
    const { one, two, gate, first } = await startPair('reject');
    const conflict = await rejection(two.registry.run(exclusive('reject'), () => 2));
    expect(conflict).toBeInstanceOf(OperationConflict);
    expect(conflict.message).toBe('sync is running already for this key, in reports-1');
    expect(await two.registry.run(exclusive('reject', 'b'), () => 'other key')).toBe('other key');
    gate.resolve('done');
    expect(await first).toBe('done');
    await one.keys.close();
    expect(await two.registry.run(exclusive('reject'), () => 3)).toBe(3);
    await two.keys.close();
    expect(await one.registry.run(exclusive('reject'), () => 4)).toBe(4);
  });

  it('skip: resolves to undefined without its body, and without a line in the log', async () => {
    const { two, gate } = await startPair('skip');
    let ran = false;
    const skipped = two.registry.run(exclusive('skip'), () => {
      ran = true;
    });
    expect(await skipped).toBeUndefined();
    expect(ran).toBe(false);
    expect(two.log.everything).toEqual([]);
    expect(two.registry.history()).toMatchObject([{ name: 'sync', status: 'completed' }]);
    gate.resolve('done');
  });

  it('cancel-previous: runs at once, and the one before is canceled where it is', async () => {
    const { one, two, gate, first } = await startPair('cancel-previous');
    expect(await two.registry.run(exclusive('cancel-previous'), () => 2)).toBe(2);
    const error = await rejection(first);
    expect(error).toBeInstanceOf(SupersededCancelation);
    expect(error.message).toBe('superseded by a newer call of sync in reports-2');
    // What it gives back at its end is not its own any more.
    const entered = deferred();
    const third = two.registry.spawn(exclusive('reject'), (operation) => {
      entered.resolve();
      return operation.sleep('1h');
    });
    await entered.promise;
    gate.resolve('late');
    await one.registry.whenIdle();
    await one.keys.close();
    expect(await rejection(one.registry.run(exclusive('reject'), () => 4))).toMatchObject({
      message: expect.stringContaining('reports-2'),
    });
    third.cancel();
    await rejection(third.result);
  });

  it('cancel-previous: in one instance, the latest has the lease that the next one takes', async () => {
    const { one, two, first } = await startPair('cancel-previous');
    const second = one.registry.spawn(exclusive('cancel-previous'), ({ token }) =>
      token.whenCanceled(),
    );
    expect(await rejection(first)).toMatchObject({ reason: 'superseded' });
    await turn();
    expect(second.status).toBe('running');
    expect(await two.registry.run(exclusive('cancel-previous'), () => 3)).toBe(3);
    expect(await rejection(second.result)).toMatchObject({
      message: 'superseded by a newer call of sync in reports-2',
    });
  });

  it.each(['cancel-previous', 'reject', 'skip'] as const)(
    '%s: lets in what an operation with the key calls or spawns',
    async (onConflict) => {
      const { one, two } = await startPair(onConflict, new ScriptedLeases());
      const held = exclusive(onConflict, 'nested');
      const gate = deferred();
      const result = await one.registry.run(held, async () => {
        const inner = await one.registry.run(held, () => 'inner');
        const spawned = one.registry.spawn(held, () => gate.promise.then(() => 'spawned'));
        return { inner, spawned };
      });
      expect(result.inner).toBe('inner');
      // The one that goes on has it still.
      const other = two.registry.run(exclusive('reject', 'nested'), () => 2);
      expect(await rejection(other)).toBeInstanceOf(OperationConflict);
      gate.resolve();
      expect(await result.spawned.result).toBe('spawned');
      await one.keys.close();
      expect(await two.registry.run(exclusive('reject', 'nested'), () => 3)).toBe(3);
    },
  );

  it('is still the outer one’s when a call below it has ended', async () => {
    const { one, two } = await startPair('reject');
    const latest = exclusive('cancel-previous', 'nested');
    const entered = deferred();
    const outer = one.registry.run(latest, async (operation) => {
      await one.registry.run(latest, () => 'inner');
      entered.resolve();
      await operation.sleep('1h');
    });
    outer.catch(() => {});
    await entered.promise;
    expect(await two.registry.run(latest, () => 2)).toBe(2);
    expect(await rejection(outer)).toMatchObject({
      message: 'superseded by a newer call of sync in reports-2',
    });
  });

  it('keeps the key of a canceled operation until its body has settled', async () => {
    const { one, two, gate, first } = await startPair('reject');
    one.registry.cancelAll({});
    await rejection(first);
    await turn();
    expect(await rejection(two.registry.run(exclusive('reject'), () => 2))).toBeInstanceOf(
      OperationConflict,
    );
    gate.resolve('late');
    await one.registry.whenIdle();
    await one.keys.close();
    expect(await two.registry.run(exclusive('reject'), () => 3)).toBe(3);
  });

  it.each(['race', 'wait'] as const)(
    'can be canceled while it waits for the lease, which is given back (%s)',
    async (settle) => {
      const leases = new ScriptedLeases();
      const { registry, keys } = new ExclusiveCluster(leases).start();
      leases.gate = deferred();
      let ran = false;
      const work = registry.run({ ...exclusive('reject'), settle }, () => {
        ran = true;
      });
      expect(registry.list()).toMatchObject([{ name: 'sync', status: 'running' }]);
      registry.cancelAll({});
      expect(await rejection(work)).toMatchObject({ reason: 'manual' });
      await registry.whenIdle();
      leases.gate.resolve();
      await keys.close();
      expect(leases.holders.size).toBe(0);
      expect(leases.asked).toEqual(['acquire', 'release']);
      expect(ran).toBe(false);
    },
  );

  it('does not run where nobody can tell who has the key', async () => {
    const leases = new ScriptedLeases();
    const { registry, keys } = new ExclusiveCluster(leases).start();
    for (const onConflict of ['cancel-previous', 'reject', 'skip'] as const) {
      const failure = (leases.failure = new Error('connection lost'));
      let ran = false;
      const error = await rejection(
        registry.run(exclusive(onConflict), () => {
          ran = true;
        }),
      );
      expect(error).toBeInstanceOf(ClusterUnavailable);
      expect(error.cause).toBe(failure);
      expect(error.message).toContain('sync was not begun');
      expect(ran).toBe(false);
      leases.failure = undefined;
      await keys.close();
      expect(await registry.run(exclusive(onConflict), () => 'again')).toBe('again');
    }
  });

  it('takes a lease of its own again that it could not give back', async () => {
    const leases = new ScriptedLeases();
    const { registry, keys, log } = new ExclusiveCluster(leases).start();
    await registry.run(exclusive('reject'), () => {
      leases.failure = new Error('connection lost');
    });
    await keys.close();
    expect(log.debugs).toEqual([expect.stringContaining('could not be given back')]);
    leases.failure = undefined;
    expect(leases.holders.size).toBe(1);
    expect(await registry.run(exclusive('reject'), () => 'again')).toBe('again');
  });

  it('asks nobody for what is exclusive in its instance', async () => {
    const leases = new ScriptedLeases();
    const { registry } = new ExclusiveCluster(leases).start();
    const options = { name: 'local', exclusive: { onConflict: 'reject' } } as const;
    expect(await registry.run(options, () => 1)).toBe(1);
    expect(
      await registry.run(
        { ...options, exclusive: { ...options.exclusive, scope: 'instance' } },
        () => 2,
      ),
    ).toBe(2);
    expect(leases.asked).toEqual([]);
  });

  it('is asked for in an instance before it is asked for in all', async () => {
    const leases = new ScriptedLeases();
    const { one, gate } = await startPair('skip', leases);
    const asked = leases.asked.length;
    expect(await one.registry.run(exclusive('skip'), () => 2)).toBeUndefined();
    expect(await rejection(one.registry.run(exclusive('reject'), () => 3))).toBeInstanceOf(
      OperationConflict,
    );
    expect(leases.asked).toHaveLength(asked);
    gate.resolve('done');
  });

  it('start: runs no part without the key', async () => {
    const { one, two, gate, first } = await startPair('reject');
    for (const onConflict of ['reject', 'skip'] as const) {
      const handle = two.registry.start(exclusive(onConflict));
      expect(await rejection(handle.run(() => 'ran'))).toBeInstanceOf(OperationConflict);
      await two.registry.whenIdle();
      expect(handle.operation.status).toBe('failed');
    }
    gate.resolve('done');
    await first;
    await one.keys.close();
    const handle = two.registry.start(exclusive('reject'));
    expect(await handle.run(() => 'ran')).toBe('ran');
    expect(await rejection(one.registry.run(exclusive('reject'), () => 2))).toBeInstanceOf(
      OperationConflict,
    );
    await handle.complete();
    await two.keys.close();
    expect(await one.registry.run(exclusive('reject'), () => 3)).toBe(3);
  });

  it('spawn: the operation tells how it went', async () => {
    const { two, gate } = await startPair('reject');
    const rejected = two.registry.spawn(exclusive('reject'), () => 1);
    expect(await rejection(rejected.result)).toBeInstanceOf(OperationConflict);
    const skipped = two.registry.spawn(exclusive('skip'), () => 2);
    expect(await skipped.result).toBeUndefined();
    gate.resolve('done');
  });

  it('is one service’s, and one name’s', async () => {
    const { gate, two } = await startPair('reject');
    const other = new ExclusiveCluster().start();
    expect(await other.registry.run(exclusive('reject'), () => 'other service')).toBe(
      'other service',
    );
    const named = { ...exclusive('reject'), name: 'other' };
    expect(await two.registry.run(named, () => 'other name')).toBe('other name');
    gate.resolve('done');
  });

  it('never runs two bodies at once, for 100 calls that race over 4 instances', async () => {
    const cluster = new ExclusiveCluster();
    const instances = Array.from({ length: 4 }, () => cluster.start());
    const random = randomNumbers(7);
    let running = 0;
    let most = 0;
    let ran = 0;
    const call = async (index: number): Promise<void> => {
      const { registry } = instances[Math.floor(random() * 4)] ?? cluster.start();
      const onConflict = index % 2 === 0 ? 'reject' : 'skip';
      let isDone = false;
      while (!isDone) {
        const work = registry.run(exclusive(onConflict), async () => {
          most = Math.max(most, ++running);
          for (let turns = random() * 3; turns > 0; turns--) await turn();
          ran++;
          running--;
          return true;
        });
        isDone = (await work.catch(() => false)) === true;
        await turn();
      }
    };
    await Promise.all(Array.from({ length: 100 }, (_, index) => call(index)));
    expect({ most, ran }).toEqual({ most: 1, ran: 100 });
  });
});

describe("what exclusive: { scope: 'cluster' } needs", () => {
  it('does not join, since no outcome is shared between processes', () => {
    const { registry } = new ExclusiveCluster().start();
    const joins = { name: 'sync', exclusive: { key: 'a', onConflict: 'join', scope: 'cluster' } };
    expect(thrown(() => registry.run(joins as RunOptions, () => 1)).message).toBe(
      "registry.run(): exclusive: onConflict: 'join' is not allowed with scope: 'cluster', since no " +
        "outcome is shared between processes. Allowed: 'cancel-previous', 'reject', 'skip'; or scope: 'instance'.",
    );
    const unknown = { exclusive: { onConflict: 'skip', scope: 'service' } } as never;
    expect(thrown(() => registry.run(unknown, () => 1)).message).toContain(
      "'service' is not allowed. Allowed: 'instance', 'cluster'",
    );
  });

  it('needs a bus that has leases', () => {
    const registry = new OperationRegistry();
    for (const begin of [
      () => registry.run(exclusive('skip'), () => 1),
      () => registry.spawn(exclusive('skip'), () => 1),
      () => registry.start(exclusive('skip')),
    ]) {
      expect(thrown(begin).message).toMatch(
        /registry\.\w+\(\): exclusive: scope: 'cluster' needs a bus that has leases/,
      );
    }
    expect(registry.list()).toEqual([]);
  });
});
