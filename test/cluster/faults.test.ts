import { expect, it } from '@jest/globals';
import { ClusterIncomplete, currentOperation, type OperationRegistry } from 'nestjs-cancelable';
import { redisBus } from 'nestjs-cancelable/redis';
import { startContext } from '../support/app-context.js';
import { closeAfterTest } from '../support/close-after-test.js';
import { rejection } from '../support/deferred.js';
import { describeWith, type RunningServer, startServer } from '../support/servers.js';
import { until } from '../support/open-bus.js';
import { Observer } from '../redis/server.js';
import { newService, untilKnown } from './instances.js';
import { RemoteInstance } from './remote-instance.js';

const hang = () => currentOperation().sleep('1h');

async function start(...settings: string[]): Promise<RunningServer> {
  const server = await startServer('redis', ...settings);
  closeAfterTest(() => server.stop());
  return server;
}

/** An instance in this process. */
async function startHere(
  { port }: RunningServer,
  service: string,
  instance = 'here',
  url = `redis://127.0.0.1:${port}`,
): Promise<OperationRegistry> {
  const bus = redisBus({ url });
  const cluster = { bus, service, instance, heartbeat: '200ms' };
  return (await startContext({}, { cluster })).registry;
}

/** One instance here and one elsewhere, which know each other. */
async function startTwo() {
  const server = await start();
  const service = newService();
  const registry = await startHere(server, service);
  const other = await RemoteInstance.start(server.port, service, 'other');
  await untilKnown([registry], 2);
  return { server, service, registry, other };
}

const isComplete = (registry: OperationRegistry, expected: number) => async () => {
  const { complete, replied } = await registry.cluster.list();
  return complete && replied.length === expected;
};

describeWith(['redis'], 'an instance', () => {
  it('that is killed is missed, and then gone with its operations', async () => {
    const { registry, other } = await startTwo();
    const id = await other.spawn('import');
    expect((await registry.cluster.list()).operations.map((each) => each.id)).toEqual([id]);
    await other.kill();
    const during = await registry.cluster.list({}, { timeout: '100ms' });
    expect(during).toMatchObject({ complete: false, replied: ['here'], operations: [] });
    expect(during.expected).toEqual(['here', 'other']);
    // Asked while it is missed, answered once it is known to be gone.
    const canceled = await registry.cluster.cancel(id, { timeout: '30s' });
    expect(canceled).toMatchObject({ canceled: false, owner: undefined });
    await until(isComplete(registry, 1));
    const { instances } = await registry.cluster.instances();
    expect(instances.map((each) => each.id)).toEqual(['here']);
    expect(await registry.cluster.get(id)).toMatchObject({ operation: undefined, complete: true });
  });

  it('that is frozen is named, for as long as it is, and cancels when it wakes', async () => {
    const { registry, other } = await startTwo();
    const id = await other.spawn('import');
    other.freeze();
    for (let round = 0; round < 3; round++) {
      const answer = await registry.cluster.list({}, { timeout: '400ms' });
      expect(answer).toMatchObject({ complete: false, replied: ['here'] });
      expect(answer.expected).toEqual(['here', 'other']);
    }
    const { instances } = await registry.cluster.instances({ timeout: '100ms' });
    expect(instances).toContainEqual(expect.objectContaining({ id: 'other', replied: false }));
    const error = await rejection(registry.cluster.cancel(id, { timeout: '300ms' }));
    expect(error).toBeInstanceOf(ClusterIncomplete);
    expect((error as ClusterIncomplete).missing).toEqual(['other']);
    other.unfreeze();
    await until(async () => (await other.do('status', id)) === 'canceled');
    await until(isComplete(registry, 2));
    expect(await other.do('canceled')).toBe(1);
  });

  it('that has a custom id to look for names who did not answer', async () => {
    const { registry, other } = await startTwo();
    other.freeze();
    const error = await rejection(registry.cluster.cancel('order-17', { timeout: '200ms' }));
    expect(String(error)).toMatch(/no answer from other within 200 ms/);
    other.unfreeze();
    await until(isComplete(registry, 2));
    expect(await registry.cluster.cancel('order-17')).toMatchObject({ owner: undefined });
  });
});

describeWith(['redis'], 'a Redis that fails', () => {
  it('and is started again: local work goes on, answers are open, then complete', async () => {
    const { server, registry, other } = await startTwo();
    const id = await other.spawn('import');
    await server.kill();
    const local = registry.spawn('local', hang);
    local.result.catch(() => {});
    const answer = await registry.cluster.list({}, { timeout: '300ms' });
    expect(answer).toMatchObject({ complete: false, replied: ['here'] });
    expect(answer.operations).toHaveLength(1);
    expect(await registry.run('work', () => Promise.resolve(1))).toBe(1);
    expect(await registry.cluster.cancel(local.id)).toMatchObject({ canceled: true });
    const error = await rejection(registry.cluster.cancel(id, { timeout: '300ms' }));
    expect(error).toBeInstanceOf(ClusterIncomplete);
    await server.restart();
    // Asked before, it is done once there is a way.
    await until(async () => (await other.do('status', id)) === 'canceled');
    await until(isComplete(registry, 2));
    expect(await other.do('canceled')).toBe(1);
  });

  it('by freezing: calls end in time, and it recovers', async () => {
    const { server, registry } = await startTwo();
    server.freeze();
    const local = registry.spawn('local', hang);
    local.result.catch(() => {});
    const answer = await registry.cluster.list({}, { timeout: '300ms' });
    expect(answer).toMatchObject({ complete: false, replied: ['here'] });
    expect(local.cancel()).toBe(true);
    server.unfreeze();
    await until(isComplete(registry, 2));
  });

  it('for want of memory: it goes on, since nothing is stored', async () => {
    const { server, registry, other } = await startTwo();
    const observer = await Observer.connect(server.port);
    closeAfterTest(() => observer.close());
    await observer.send('CONFIG', 'SET', 'maxmemory', '1');
    await observer.send('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    const id = await other.spawn('import');
    expect(await registry.cluster.cancel(id)).toMatchObject({ canceled: true, owner: 'other' });
  });

  it('by refusing the password: answers are open, until it is right', async () => {
    const server = await start('--requirepass', 'right');
    const service = newService();
    const url = `redis://:wrong@127.0.0.1:${server.port}`;
    const registry = await startHere(server, service, 'here', url);
    const answer = await registry.cluster.list({}, { timeout: '300ms' });
    expect(answer).toMatchObject({ complete: false, expected: ['here'], replied: ['here'] });
    const error = await rejection(registry.cluster.get('nobody', { timeout: '300ms' }));
    expect(String(error)).toMatch(/ClusterIncomplete: .*(WRONGPASS|password|auth|connect)/i);
    const socket = await Observer.connect(server.port);
    closeAfterTest(() => socket.close());
    await socket.send('AUTH', 'right');
    await socket.send('CONFIG', 'SET', 'requirepass', 'wrong');
    await until(isComplete(registry, 1));
  });
});

describeWith(['redis'], 'a registry over Redis', () => {
  it('sends no command for operations that nobody asks about', async () => {
    const server = await start();
    const registry = await startHere(server, newService());
    await untilKnown([registry], 1);
    const observer = await Observer.connect(server.port);
    closeAfterTest(() => observer.close());
    const commands = async () => {
      const stats: string = await observer.send('INFO', 'commandstats');
      const calls = [...stats.matchAll(/cmdstat_([^:]+):calls=(\d+)/g)];
      return calls
        .filter(([, name]) => !/info|ping/.test(name!))
        .map(([, , count]) => Number(count));
    };
    const sum = (counts: number[]) => counts.reduce((total, count) => total + count, 0);
    const before = sum(await commands());
    const started = performance.now();
    for (let index = 0; index < 100_000; index++) await registry.run('work', () => undefined);
    const beats = (performance.now() - started) / 180 + 5;
    expect(sum(await commands()) - before).toBeLessThan(beats);
  });
});
