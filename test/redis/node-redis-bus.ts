import { jest } from '@jest/globals';
import type * as nodeRedis from 'redis';
import { describeBus, describeClusterBus } from './bus-behaviour.js';
import { hideIoredis } from './without-ioredis.js';

/** The suite of the port for a version of the package redis, where ioredis is not installed. */
export async function describeNodeRedisBus(
  name: string,
  load: () => Promise<typeof nodeRedis>,
): Promise<void> {
  hideIoredis();
  if (name !== 'redis 5') jest.unstable_mockModule('redis', load);
  const { createClient, createCluster } = await load();
  const { redisBus } = await import('nestjs-cancelable/redis');

  describeBus(name, {
    'an address': (port) => redisBus({ url: `redis://127.0.0.1:${port}` }),
    'a client': (port) =>
      redisBus({
        client: createClient({ socket: { port, host: '127.0.0.1' }, database: 3, RESP: 3 }),
        prefix: 'reports',
      }),
  });

  describeClusterBus(name, (port) =>
    redisBus({ client: createCluster({ rootNodes: [{ url: `redis://127.0.0.1:${port}` }] }) }),
  );
}
