import { Redis } from 'ioredis';
import { redisBus } from 'nestjs-cancelable/redis';
import { createClient, createCluster } from 'redis';

/** Opens a bus, uses it, and has nothing else to do: this process is to end by itself. */
const [way, port] = process.argv.slice(2) as [string, string];
const url = `redis://127.0.0.1:${port}`;

const buses = {
  url: () => redisBus({ url }),
  ioredis: () => redisBus({ client: new Redis(url, { lazyConnect: true }) }),
  redis: () => redisBus({ client: createClient({ url }) }),
  cluster: () => redisBus({ client: createCluster({ rootNodes: [{ url }] }) }),
};
const bus = buses[way as keyof typeof buses]();
await bus.open({
  log: { debug: () => {}, warn: () => {}, error: () => {} },
  onRecovered: () => {},
});
await bus.subscribe('channel', () => {});
const isHeard = await bus.isHeard('channel').catch(() => 'unknown');
process.once('beforeExit', () => console.log(JSON.stringify({ isHeard })));
