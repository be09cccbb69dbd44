import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Instances } from './instances.js';
import { createProxy } from './proxy.js';
import { Redis } from './redis.js';

const redis = new Redis();
const instances = new Instances();

let stopping: Promise<never> | undefined;
async function stop(): Promise<never> {
  await instances.stop();
  await redis.stop();
  process.exit();
}
for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    stopping ??= stop();
  });
}

await instances.startAll({ REDIS_URL: await redis.start() });
const proxy = createProxy(instances).listen(Number(process.env['PORT'] ?? 3000));
await once(proxy, 'listening');
const { port } = proxy.address() as AddressInfo;
console.log(`Three instances are behind http://localhost:${port}/jobs (GET / shows them)`);
