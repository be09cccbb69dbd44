import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { OperationConflict, type OperationRegistry } from 'nestjs-cancelable';
import { redisBus } from 'nestjs-cancelable/redis';
import { startContext } from '../support/app-context.js';
import { closeAfterTest } from '../support/close-after-test.js';
import { deferred, rejection } from '../support/deferred.js';
import { freezeProcess } from '../support/freeze-process.js';
import { describeWith, type RunningServer, startServer } from '../support/servers.js';

const sync = {
  name: 'sync',
  exclusive: { onConflict: 'reject', scope: 'cluster' },
} as const;

/** Tries until the key is free. */
async function begin(registry: OperationRegistry): Promise<string> {
  for (;;) {
    try {
      return await registry.run(sync, () => 'ran');
    } catch (error) {
      if (!(error instanceof OperationConflict)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

describeWith(['redis'], "exclusive: { scope: 'cluster' } over redisBus()", () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startServer('redis');
  });
  afterAll(() => server.stop());

  /** Another process that has the key, and one's own instance. */
  async function start() {
    const url = `redis://127.0.0.1:${server.port}`;
    const { registry } = await startContext(
      {},
      { cluster: { bus: redisBus({ url }), service: 'reports', lease: '1s' } },
    );
    const child = spawn(
      process.execPath,
      [
        '--import',
        new URL('../support/typescript.mjs', import.meta.url).href,
        fileURLToPath(new URL('exclusive.fixture.ts', import.meta.url)),
      ],
      { env: { ...process.env, REDIS_URL: url }, stdio: ['ignore', 'pipe', 'inherit'] },
    );
    closeAfterTest(() => child.kill('SIGKILL'));
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const nextLine = async () => (await lines.next()).value as string;
    expect(await nextLine()).toBe('begun');
    return { registry, child, nextLine };
  }

  it('frees the key of an instance that is killed, and not before', async () => {
    const { registry, child } = await start();
    const conflict = await rejection(registry.run(sync, () => 'ran'));
    expect(conflict.message).toBe('sync is running already for this key, in child');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await begin(registry)).toBe('ran');
  });

  it('cancels what was frozen for longer than its lease, if somebody else has the key', async () => {
    const { registry, child, nextLine } = await start();
    await freezeProcess(child);
    // The key is free once its lease has run out.
    await begin(registry);
    const entered = deferred();
    const work = registry.spawn(sync, (operation) => {
      entered.resolve();
      return operation.sleep('1h');
    });
    await entered.promise;
    child.kill('SIGCONT');
    expect(await nextLine()).toMatch(
      /^superseded: the lease of sync was lost to .+, which runs it now$/,
    );
    expect(work.status).toBe('running');
    work.cancel();
    await rejection(work.result);
  });
});
