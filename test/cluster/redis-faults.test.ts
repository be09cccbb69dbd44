import { expect, it } from '@jest/globals';
import { redisBus } from 'nestjs-cancelable/redis';
import { rejection } from '../support/deferred.js';
import { until } from '../support/open-bus.js';
import { describeWith, startForTest } from '../support/servers.js';
import { observe } from '../redis/observe.js';
import { createBus } from './buses.js';
import { newService, untilKnown } from './instances.js';
import { isComplete, startHere, startTwo } from './two-instances.js';

describeWith(['redis'], 'a Redis that fails', () => {
  it('for want of memory: it goes on, since nothing is stored', async () => {
    const { server, registry, other } = await startTwo('redis');
    const observer = await observe(server.port);
    await observer.send('CONFIG', 'SET', 'maxmemory', '1');
    await observer.send('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    const id = await other.spawn('import');
    expect(await registry.cluster.cancel(id)).toMatchObject({ canceled: true, owner: 'other' });
  });

  it('by refusing the password: answers are open, until it is right', async () => {
    const server = await startForTest('redis', '--requirepass', 'right');
    const service = newService();
    const url = `redis://:wrong@127.0.0.1:${server.port}`;
    const registry = await startHere(service, redisBus({ url }));
    const answer = await registry.cluster.list({}, { timeout: '300ms' });
    expect(answer).toMatchObject({ complete: false, expected: ['here'], replied: ['here'] });
    const error = await rejection(registry.cluster.get('nobody', { timeout: '300ms' }));
    expect(String(error)).toMatch(/ClusterIncomplete: .*(WRONGPASS|password|auth|connect)/i);
    const socket = await observe(server.port);
    await socket.send('AUTH', 'right');
    await socket.send('CONFIG', 'SET', 'requirepass', 'wrong');
    await until(isComplete(registry, 1));
  });
});

describeWith(['redis'], 'a registry over Redis', () => {
  it('sends no command for operations that nobody asks about', async () => {
    const server = await startForTest('redis');
    const registry = await startHere(newService(), createBus('redis', server.port));
    await untilKnown([registry], 1);
    const observer = await observe(server.port);
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
