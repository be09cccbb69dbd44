import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { type Job, type JobsOptions, Queue } from 'bullmq';
import { OperationConflict, type OperationRegistry } from 'nestjs-cancelable';
import { redisBus } from 'nestjs-cancelable/redis';
import { startContext } from '../support/app-context.js';
import { compiled } from '../support/plain-node.js';
import { describeWith, type RunningServer, startServer } from '../support/servers.js';

const NAMES = ['a', 'b'];

describeWith(['redis'], 'registry.cluster.cancel() of a job of BullMQ', () => {
  let server: RunningServer;
  let children: ChildProcess[];
  let reports: Queue;
  let mails: Queue;
  let registry: OperationRegistry;

  beforeAll(async () => {
    server = await startServer('redis');
    const connection = { host: '127.0.0.1', port: server.port };
    reports = new Queue('reports', { connection });
    mails = new Queue('mails', { connection });
    children = await Promise.all(NAMES.map((name) => startWorker(server.port, name)));
  });
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await Promise.all([reports.close(), mails.close()]);
    await server.stop();
  });
  afterEach(async () => {
    for (const queue of [reports, mails]) {
      for (const job of await queue.getJobs(['active'])) {
        await registry.cluster.cancel(`${queue.name}:${job.id}`);
        await settled(job);
      }
      await queue.drain(true);
    }
  });

  /** This process has no worker: the jobs are always elsewhere. */
  async function join(): Promise<OperationRegistry> {
    const bus = redisBus({ url: `redis://127.0.0.1:${server.port}` });
    const cluster = { bus, service: 'jobs', instance: 'main', heartbeat: '200ms', timeout: '10s' };
    ({ registry } = await startContext({}, { cluster }));
    for (;;) {
      const { complete, replied } = await registry.cluster.instances();
      if (complete && replied.length === NAMES.length + 1) return registry;
    }
  }

  async function settled(job: Job): Promise<void> {
    while ((await job.getState()) === 'active');
  }

  async function begun(queue: Queue, options?: JobsOptions): Promise<Job> {
    const job = await queue.add('slow', {}, options);
    while ((await job.getState()) !== 'active');
    return job;
  }

  /** Every worker of the queue has something to do. */
  const occupy = (queue: Queue) => Promise.all(NAMES.map(() => begun(queue)));

  it('reaches one that runs in another process, which is not tried again', async () => {
    const { cluster } = await join();
    const job = await begun(reports, { attempts: 3 });
    const answer = await cluster.cancel(`reports:${job.id}`, { message: 'stop pressed' });
    expect(answer).toMatchObject({ complete: true, canceled: true });
    expect(NAMES).toContain(answer.owner);
    await settled(job);
    expect(await job.getState()).toBe('failed');
    expect(await reports.getJob(job.id!)).toMatchObject({
      attemptsMade: 1,
      failedReason: 'stop pressed',
    });
    expect(await cluster.cancel(`reports:${job.id}`)).toMatchObject({
      canceled: false,
      owner: answer.owner,
    });
  });

  it.each([
    ['waits', {}],
    ['is delayed', { delay: 3_600_000 }],
    ['waits with a priority', { priority: 5 }],
  ])('removes one that %s, once, however many ask', async (_title, options) => {
    const { cluster } = await join();
    const running = await occupy(reports);
    const job = await reports.add('slow', {}, options);
    const asked = Array.from({ length: 10 }, () => cluster.cancel(`reports:${job.id}`));
    const answers = await Promise.all(asked);
    const canceled = answers.filter((answer) => answer.canceled);
    expect(canceled).toHaveLength(1);
    expect(NAMES).toContain(canceled[0]?.owner);
    expect(await reports.getJob(job.id!)).toBeUndefined();
    for (const other of running) expect(await other.getState()).toBe('active');
  });

  it('removes one that waits for its next try', async () => {
    const { cluster } = await join();
    const job = await reports.add('failing', {}, { attempts: 3, backoff: 3_600_000 });
    while ((await job.getState()) !== 'delayed');
    // An instance remembers the first try.
    expect(await cluster.get(`reports:${job.id}`)).toMatchObject({
      operation: { status: 'failed' },
    });
    expect(await cluster.cancel(`reports:${job.id}`)).toMatchObject({ canceled: true });
    expect(await reports.getJob(job.id!)).toBeUndefined();
  });

  it('says that there is none, when all have said so', async () => {
    const { cluster } = await join();
    expect(await cluster.cancel('reports:nobody')).toMatchObject({
      complete: true,
      canceled: false,
      owner: undefined,
    });
  });

  it('misses none that begins at that moment', async () => {
    const { cluster } = await join();
    for (let round = 0; round < 60; round++) {
      const job = await reports.add('slow', {}, { attempts: 3 });
      expect(await cluster.cancel(`reports:${job.id}`)).toMatchObject({ canceled: true });
      await settled(job);
      expect(['failed', 'unknown']).toContain(await job.getState());
    }
  });

  it('takes the id of the job alone, unless two queues have it', async () => {
    const { cluster } = await join();
    const running = await begun(reports, { jobId: 'import-2025' });
    expect(await cluster.cancel('import-2025')).toMatchObject({ canceled: true });
    await settled(running);

    const report = await begun(reports, { jobId: 'both' });
    const mail = await mails.add('slow', {}, { jobId: 'both', delay: 3_600_000 });
    await expect(cluster.cancel('both')).rejects.toThrow(OperationConflict);
    await expect(cluster.cancel('both')).rejects.toThrow(/reports:both/);
    expect([await report.getState(), await mail.getState()]).toEqual(['active', 'delayed']);
    expect(await cluster.cancel('mails:both')).toMatchObject({ canceled: true });
    expect(await report.getState()).toBe('active');
  });

  it('leaves alone what is not of its scope, and what has ended', async () => {
    const { cluster } = await join();
    const job = await reports.add('slow', {}, { delay: 3_600_000 });
    const others = cluster.scoped({ kind: 'job', name: 'mails' });
    expect(await others.cancel(`reports:${job.id}`)).toMatchObject({ canceled: false });
    expect(await job.getState()).toBe('delayed');
    const own = cluster.scoped({ kind: 'job', name: 'reports', metadata: { job: 'slow' } });
    expect(await own.cancel(`reports:${job.id}`)).toMatchObject({ canceled: true });
  });
});

async function startWorker(port: number, name: string): Promise<ChildProcess> {
  const file = compiled(new URL('worker.fixture.ts', import.meta.url));
  const child = fork(file, [String(port), name], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  await once(child, 'message');
  return child;
}
