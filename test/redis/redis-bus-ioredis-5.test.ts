import { afterAll, jest } from '@jest/globals';
import { describeBus, describeClusterBus } from './bus-behaviour.js';

jest.unstable_mockModule('ioredis', () => import('ioredis-5'));
const { Cluster, Redis } = await import('ioredis');
const { redisBus } = await import('nestjs-cancelable/redis');

const clients: { disconnect(): void }[] = [];
afterAll(() => {
  for (const client of clients) client.disconnect();
});

describeBus('ioredis 5', {
  'an address': (port) => redisBus({ url: `redis://127.0.0.1:${port}` }),
  'a client': (port) => {
    const client = new Redis({ port, host: '127.0.0.1', lazyConnect: true });
    clients.push(client);
    return redisBus({ client });
  },
});

describeClusterBus('ioredis 5', (port) => {
  const client = new Cluster([{ port, host: '127.0.0.1' }], { lazyConnect: true });
  clients.push(client);
  return redisBus({ client });
});
