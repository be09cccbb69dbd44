import { fileURLToPath } from 'node:url';
import { setImmediate } from 'node:timers/promises';
import { OperationRegistry } from 'nestjs-cancelable';
import { Operation as OperationFace } from 'nestjs-cancelable';
import { runInPool, runInThread, spawnProcess } from 'nestjs-cancelable/worker';
import { Piscina } from 'piscina';
import { armedTimers } from '../../lib/scope/timers.js';

const collect = (globalThis as unknown as { gc: () => void }).gc;
const functions = new URL('thread-functions.js', import.meta.url);
const pool = new Piscina({ filename: fileURLToPath(functions), maxThreads: 1 });
const registry = new OperationRegistry({ history: { limit: 0 } });

/** What the process holds of what tasks could leave behind. */
async function held() {
  await setImmediate();
  collect();
  await setImmediate();
  collect();
  const resources = process.getActiveResourcesInfo();
  return {
    ports: resources.filter((each) => each === 'MessagePort').length,
    heap: process.memoryUsage().heapUsed,
    external: process.memoryUsage().arrayBuffers,
  };
}

const unhandled: unknown[] = [];
process.on('unhandledRejection', (error) => unhandled.push(error));

/** An operation that does not wait for what it has started. */
async function careless() {
  let exited: Promise<unknown> | undefined;
  await registry.run('careless', async (operation) => {
    void runInPool(pool, 0, { name: 'compute' });
    void runInThread(functions, { name: 'compute' });
    ({ exited } = spawnProcess(process.execPath, ['-e', 'setInterval(() => {}, 1000)']));
    await new Promise<void>((resolve) => operation.onProgress(() => resolve()));
  });
  await runInPool(pool, 0, { name: 'operationIsKnown' });
  // A process needs a moment to end, on a busy machine a long one.
  await exited?.catch(() => {});
}

const report = await registry.run('all', async (operation) => {
  const state = OperationFace.stateOf(operation);
  const tasks = async (count: number) => {
    for (let index = 0; index < count; index++) {
      const work = registry.run('task', (child) => {
        const task = runInPool(pool, 0, { name: 'compute' });
        child.onProgress(() => child.cancel());
        return task;
      });
      await work.catch(() => {});
      await registry.whenIdle();
      await runInPool(pool, 0, { name: 'operationIsKnown' });
    }
  };
  await tasks(200);
  const before = await held();
  await tasks(1_500);
  const after = await held();
  const exitListeners = process.listenerCount('exit');
  await runInThread(functions, { name: 'operationIsKnown' });
  await spawnProcess(process.execPath, ['-e', '0'], { stdio: 'ignore' }).exited;
  await careless();
  return {
    ports: after.ports - before.ports,
    heapPerTask: (after.heap - before.heap) / 3_000,
    listeners: state.listenerCount + (state.extras?.settledListeners?.size ?? 0),
    exitListeners: process.listenerCount('exit') - exitListeners,
    live: registry.list().length,
  };
});
await pool.destroy();
// Nothing here calls process.exit(): what is left would keep this process alive.
process.once('exit', () => {
  console.log(JSON.stringify({ ...report, timers: armedTimers(), unhandled: unhandled.length }));
});
