import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from '@jest/globals';
import { Redis } from 'ioredis';
import type { CancelationBus } from 'nestjs-cancelable';
import { redisBus } from 'nestjs-cancelable/redis';
import { checkCancelationBus } from 'nestjs-cancelable/testing';
import { createSentinel } from 'redis';
import { until } from '../support/open-bus.js';
import { describeWith, freePort, type RunningServer, startServer } from '../support/servers.js';
import { Observer } from './server.js';

/** Starts a sentinel that watches a server under the name `main`. */
async function startSentinel(server: RunningServer, port: number): Promise<() => Promise<void>> {
  const file = join(server.folder, 'sentinel.conf');
  writeFileSync(
    file,
    `port ${port}\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 ${server.port} 1\n`,
  );
  const child = spawn('redis-server', [file, '--sentinel'], { stdio: 'ignore' });
  await until(async () => {
    try {
      const observer = await Observer.connect(port);
      const state: string = await observer.send('INFO', 'sentinel');
      observer.close();
      return state.includes('status=ok');
    } catch {
      return false;
    }
  });
  return async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
}

describeWith(['redis'], 'redisBus() and sentinels', () => {
  let server: RunningServer;
  let port: number;
  let stopSentinel: () => Promise<void>;
  let sentinel: ReturnType<typeof createSentinel>;
  const clients: Redis[] = [];

  beforeAll(async () => {
    server = await startServer('redis');
    port = await freePort();
    stopSentinel = await startSentinel(server, port);
    sentinel = createSentinel({ name: 'main', sentinelRootNodes: [{ host: '127.0.0.1', port }] });
    sentinel.on('error', () => {});
    await sentinel.connect();
  });
  afterAll(async () => {
    void sentinel.destroy();
    for (const client of clients) client.disconnect();
    await stopSentinel();
    await server.stop();
  });

  describe.each<[string, () => CancelationBus]>([
    [
      'ioredis',
      () => {
        const sentinels = [{ host: '127.0.0.1', port }];
        // Read from replicas, which pass nothing on: the bus goes to the master all the same.
        const client = new Redis({ sentinels, name: 'main', role: 'slave', lazyConnect: true });
        clients.push(client);
        return redisBus({ client });
      },
    ],
    ['redis', () => redisBus({ client: sentinel })],
  ])('of %s', (_name, createBus) => {
    for (const { name, run } of checkCancelationBus(createBus)) it(name, run);
  });
});
