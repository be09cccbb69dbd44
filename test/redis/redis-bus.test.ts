import { afterAll } from '@jest/globals';
import { Cluster, Redis } from 'ioredis';
import { redisBus } from 'nestjs-cancelable/redis';
import { describeBus, describeClusterBus } from './bus-behaviour.js';

const clients: (Redis | Cluster)[] = [];
afterAll(() => {
  for (const client of clients) client.disconnect();
});

describeBus('ioredis 6', {
  'an address': (port) => redisBus({ url: `redis://127.0.0.1:${port}` }),
  'a client': (port) => {
    const client = new Redis({
      port,
      host: '127.0.0.1',
      lazyConnect: true,
      keyPrefix: 'app:',
      db: 3,
      enableAutoPipelining: true,
      stringNumbers: true,
    });
    clients.push(client);
    return redisBus({ client, prefix: 'reports' });
  },
});

describeClusterBus('ioredis 6', (port) => {
  const client = new Cluster([{ port, host: '127.0.0.1' }], {
    lazyConnect: true,
    keyPrefix: 'app:',
    scaleReads: 'slave',
  });
  clients.push(client);
  return redisBus({ client });
});
