import { describe, expect, it } from '@jest/globals';
import { expectNoLeaks } from 'nestjs-cancelable/testing';
import {
  type Operation,
  OperationConflict,
  type RunOptions,
  tryCurrentOperation,
} from 'nestjs-cancelable';
import { deferred, rejection, turn } from '../support/deferred.js';
import { closeAfterTest } from '../support/close-after-test.js';
import { until } from '../support/open-bus.js';
import { ExclusiveCluster, type Instance, ScriptedLeases, SHORT } from './exclusive-cluster.js';

const sync: RunOptions = {
  name: 'sync',
  exclusive: { key: 'a', onConflict: 'reject', scope: 'cluster' },
};

/** An operation that has the key until it is canceled, or until its gate opens. */
async function hold({ registry }: Instance, options = sync) {
  const gate = deferred<string>();
  closeAfterTest(() => gate.resolve('closed'));
  const entered = deferred<Operation>();
  const work = registry.run(options, (operation) => {
    entered.resolve(operation);
    return gate.promise;
  });
  work.catch(() => {});
  return { gate, work, operation: await entered.promise };
}

/** So many renewals are over, and answered. */
async function renewals(leases: ScriptedLeases, count: number): Promise<void> {
  const before = leases.asked.length;
  await until(() => leases.asked.length >= before + count);
  await turn();
}

describe('the lease of an exclusive key', () => {
  it('is renewed for as long as the body runs, and no longer', async () => {
    const cluster = new ExclusiveCluster(undefined, SHORT);
    const one = cluster.start();
    const two = cluster.start();
    const { gate, work } = await hold(one);
    const taken = Date.now();
    // Longer than a lease lasts by itself.
    await until(() => Date.now() - taken > 3 * SHORT);
    expect(await rejection(two.registry.run(sync, () => 2))).toBeInstanceOf(OperationConflict);
    gate.resolve('done');
    expect(await work).toBe('done');
    await one.keys.close();
    expect(await two.registry.run(sync, () => 3)).toBe(3);
    await two.keys.close();
    expectNoLeaks(one.registry, two.registry);
  });

  it('is renewed after a cancel, while the body still runs', async () => {
    const leases = new ScriptedLeases();
    const one = new ExclusiveCluster(leases, SHORT).start();
    const { gate, work } = await hold(one);
    one.registry.cancelAll({});
    await rejection(work);
    await renewals(leases, 2);
    expect(leases.holders.size).toBe(1);
    gate.resolve('late');
    await one.registry.whenIdle();
    await one.keys.close();
    expect(leases.holders.size).toBe(0);
  });

  it('is taken back when it ran out and nobody else has it', async () => {
    const leases = new ScriptedLeases();
    const one = new ExclusiveCluster(leases, SHORT).start();
    const { gate, work } = await hold(one);
    leases.expire();
    await until(() => leases.holders.size === 1);
    gate.resolve('done');
    expect(await work).toBe('done');
  });

  it('cancels what has lost it to another instance, with all that has it too', async () => {
    const leases = new ScriptedLeases();
    const cluster = new ExclusiveCluster(leases, SHORT);
    const one = cluster.start();
    const two = cluster.start();
    const entered = deferred();
    const spawned: Operation[] = [];
    const first = one.registry.run(sync, (operation) => {
      spawned.push(
        one.registry.spawn(sync, (own) => {
          entered.resolve();
          return own.sleep('1h');
        }),
      );
      return operation.sleep('1h');
    });
    first.catch(() => {});
    await entered.promise;
    leases.expire();
    // Before the first one renews: both in this turn.
    const second = two.registry.run(sync, (operation) => operation.sleep('1h'));
    second.catch(() => {});
    const error = await rejection(first);
    expect(error).toMatchObject({
      reason: 'superseded',
      message: 'the lease of sync was lost to reports-2, which runs it now',
    });
    expect(await rejection(spawned[0]?.result as Promise<unknown>)).toMatchObject({
      reason: 'superseded',
    });
    await one.registry.whenIdle();
    await one.keys.close();
    expect(two.registry.list()).toHaveLength(1);
    // What was lost was not given back.
    expect(await rejection(one.registry.run(sync, () => 3))).toBeInstanceOf(OperationConflict);
    two.registry.cancelAll({});
    await rejection(second);
    await two.keys.close();
    expect(await one.registry.run(sync, () => 4)).toBe(4);
    await one.keys.close();
    expectNoLeaks(one.registry, two.registry);
  });

  it('outlasts a server that does not answer, with one warning per outage', async () => {
    const leases = new ScriptedLeases();
    const one = new ExclusiveCluster(leases, SHORT).start();
    const { gate, work } = await hold(one);
    const other = await hold(one, { ...sync, name: 'other' });
    leases.failure = new Error('connection lost');
    await renewals(leases, 6);
    expect(one.log.warnings).toEqual([
      expect.stringMatching(
        /^The lease of (sync|other) could not be renewed: Error: connection lost/,
      ),
    ]);
    expect(one.registry.list().map(({ status }) => status)).toEqual(['running', 'running']);
    leases.failure = undefined;
    await renewals(leases, 4);
    leases.failure = new Error('again');
    await until(() => one.log.warnings.length === 2);
    leases.failure = undefined;
    for (const each of [{ gate, work }, other]) {
      each.gate.resolve('done');
      expect(await each.work).toBe('done');
    }
  });

  it('counts an answer that does not come as none', async () => {
    const leases = new ScriptedLeases();
    const one = new ExclusiveCluster(leases, SHORT).start();
    const { gate, work } = await hold(one);
    leases.gate = deferred();
    await until(() => one.log.warnings.length === 1);
    expect(one.log.warnings[0]).toContain('no answer within 10 ms');
    const waits = one.registry.run({ ...sync, name: 'other' }, () => 2);
    expect(await rejection(waits)).toMatchObject({ name: 'ClusterUnavailable' });
    leases.gate.resolve();
    leases.gate = undefined;
    gate.resolve('done');
    expect(await work).toBe('done');
    await one.keys.close();
    await until(() => leases.holders.size === 0);
  });

  it('is asked for outside of the context of the operation', async () => {
    const leases = new ScriptedLeases();
    const { registry, keys } = new ExclusiveCluster(leases).start();
    const seen: unknown[] = [];
    const acquire = leases.acquire.bind(leases);
    leases.acquire = (...lease) => {
      seen.push(registry.list().length, tryCurrentOperation());
      return acquire(...lease);
    };
    await registry.run('request', () => registry.run(sync, () => 1));
    await keys.close();
    expect(seen).toEqual([2, undefined]);
  });
});
