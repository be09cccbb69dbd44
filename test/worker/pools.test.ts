import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from '@jest/globals';
import { OperationRegistry } from 'nestjs-cancelable';
import { createThreadPool, runInPool, type ThreadPool } from 'nestjs-cancelable/worker';
import { Piscina } from 'piscina';
import { rejection } from '../support/deferred.js';
import { MemoryLog } from '../support/memory-log.js';
import { functions, gate, reported } from './support.js';
import type * as tasks from './thread-functions.js';

const log = new MemoryLog();
const registry = new OperationRegistry({ logger: log });
const filename = fileURLToPath(functions);
const pool = new Piscina({ filename, minThreads: 1, maxThreads: 1 });

afterAll(() => pool.destroy());

const threadId = () => runInPool<typeof tasks.thread>(pool, undefined, { name: 'thread' });

/** A live operation that waits for a task. */
function inPool(name: string, options: { grace?: string; data?: unknown } = {}) {
  const { grace = '1h', data } = options;
  return registry.spawn({ name, settle: 'wait' }, () => runInPool(pool, data, { name, grace }));
}

describe('runInPool()', () => {
  it('carries the operation into a task and gives its value', async () => {
    const metadata = { owner: 'ann' };
    await registry.run({ name: 'report', metadata }, async ({ id }) => {
      const name = 'describeOperation';
      const found = await runInPool<typeof tasks.describeOperation>(pool, undefined, { name });
      expect(found).toMatchObject({ id, name: 'report', metadata });
    });
    expect(await runInPool(pool, 1, { name: 'operationIsKnown' })).toBe(false);
  });

  it('stops a task that computes, and keeps its thread', async () => {
    const before = await threadId();
    const work = inPool('compute');
    await reported(work, 'computing');
    work.cancel();

    expect(await rejection(work.result)).toBe(work.cancelation);
    expect(await threadId()).toBe(before);
  });

  it('stops a task that waits for its signal, and keeps its thread', async () => {
    const before = await threadId();
    const work = inPool('waitForSignal');
    await reported(work, 'waiting');
    work.cancel({ cause: new TypeError('slow') });

    expect(await rejection(work.result)).toBe(work.cancelation);
    expect(await threadId()).toBe(before);
  });

  it('takes a task out of the queue at once, and its function never runs', async () => {
    const before = await threadId();
    const door = gate();
    const busy = inPool('ignoreCancel', { data: door.buffer });
    await reported(busy, 'deaf');
    const queued = inPool('compute');
    expect(pool.queueSize).toBe(1);
    queued.cancel();

    expect(await rejection(queued.result)).toBe(queued.cancelation);
    expect(pool.queueSize).toBe(0);
    expect(queued.progress).toBeUndefined();
    door.open();
    expect(await busy.result).toBe('late');
    expect(await threadId()).toBe(before);
  });

  it('counts the time in the queue, unless the timeout is to stand still there', async () => {
    const door = gate();
    const busy = inPool('ignoreCancel', { data: door.buffer });
    await reported(busy, 'deaf');
    const queued = (whileQueued: 'count' | 'pause') =>
      registry.spawn({ name: whileQueued, timeout: whileQueued === 'pause' ? 1_000 : 1_100 }, () =>
        runInPool(pool, undefined, { name: 'remaining', whileQueued }),
      );
    const counts = queued('count');
    const pauses = queued('pause');
    const below = registry.spawn({ name: 'above', timeout: 1_100 }, () =>
      registry.run({ name: 'below', timeout: '1h' }, () =>
        runInPool(pool, undefined, { name: 'remaining', whileQueued: 'pause' }),
      ),
    );

    expect(await rejection(counts.result)).toMatchObject({ reason: 'timeout' });
    expect(await rejection(below.result)).toMatchObject({ reason: 'timeout' });
    expect(pauses).toMatchObject({ status: 'running' });
    expect(pauses.token.remaining()).toBe(Infinity);
    door.open();
    await busy.result;
    const left = await pauses.result;
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(1_000);
  });

  it('a timeout that stood still goes on when a thread has the task', async () => {
    const work = registry.spawn({ name: 'computes', timeout: 100 }, () =>
      runInPool(pool, undefined, { name: 'compute', whileQueued: 'pause' }),
    );

    expect(await rejection(work.result)).toMatchObject({ reason: 'timeout' });
    await registry.whenIdle();
  });

  it('replaces a thread that ignores the cancel, after the grace period', async () => {
    const before = await threadId();
    const work = inPool('ignoreCancel', { grace: '20ms', data: gate().buffer });
    await reported(work, 'deaf');
    work.cancel();

    expect(await rejection(work.result)).toBe(work.cancelation);
    expect(log.warnings.at(-1)).toMatch(/a task of the thread pool.+terminated/);
    expect(await threadId()).not.toBe(before);
  });

  it('brings errors back whole, and the pool goes on', async () => {
    const error = await rejection(runInPool(pool, 'database', { name: 'fail' }));

    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({
      name: 'DatabaseError',
      code: 'E42',
      cause: { message: 'link', cause: { message: 'root' } },
    });
    expect((await rejection(runInPool(pool, 0, { name: 'notCloneable' }))).message).toContain(
      'returned cannot be cloned',
    );
    expect((await rejection(runInPool(pool, () => {}, { name: 'thread' }))).message).toContain(
      'argument 0',
    );
    expect(await threadId()).toBeGreaterThan(0);
  });

  it('says what it needs', async () => {
    const message = async (...args: Parameters<typeof runInPool>) =>
      (await rejection(runInPool(...args))).message;

    expect(await message({} as never)).toContain('npm install piscina');
    expect(await message(undefined as never)).toContain('npm install piscina');
    expect(await message({ run: pool.run, destroy: pool.destroy, options: {} })).toContain(
      'names a file',
    );
  });
});

describe('createThreadPool()', () => {
  it('makes a pool', async () => {
    const execArgv = ['--no-deprecation'];
    const made: ThreadPool = await createThreadPool({ filename, execArgv, maxThreads: 1 });
    try {
      const flags = await runInPool<typeof tasks.flags>(made, undefined, { name: 'flags' });
      expect(flags).toEqual(execArgv);
      expect(await runInPool<typeof tasks.default>(made, 2, { name: 'default' })).toBeNaN();
    } finally {
      await made.destroy();
    }
  });
});
