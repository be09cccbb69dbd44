import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { BullModule, getQueueToken, Processor, WorkerHost } from '@nestjs/bullmq';
import { Injectable, type ModuleMetadata, Scope, type Type } from '@nestjs/common';
import { type Job, type JobsOptions, Queue, QueueEvents, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import {
  Cancelable,
  type CancelableModuleOptions,
  currentOperation,
  type Operation,
  type OperationEvent,
  type OperationRegistry,
} from 'nestjs-cancelable';
import { bullmq } from 'nestjs-cancelable/bullmq';
import { filter, firstValueFrom } from 'rxjs';
import { type AppContext, startContext } from '../support/app-context.js';
import { type Deferred, deferred } from '../support/deferred.js';
import { describeWith, type RunningServer, startServer } from '../support/servers.js';

let entered: Deferred<Operation>;

@Processor('reports')
class Reports extends WorkerHost {
  @Cancelable('1h')
  async process(job: Job): Promise<string> {
    const operation = currentOperation();
    entered.resolve(operation);
    if (job.name === 'quick') return 'done';
    if (job.name === 'measured') {
      operation.reportProgress({ current: 1, total: 4 });
      await operation.checkpoint();
      operation.reportProgress({ current: 4, total: 4 });
      return 'measured';
    }
    await operation.sleep('1h');
    return 'never';
  }
}

@Processor('reports')
class Limited extends WorkerHost {
  runs = 0;
  @Cancelable(200)
  async process(): Promise<number> {
    if (++this.runs === 2) return this.runs;
    await currentOperation().sleep('1h');
    return 0;
  }
}

@Injectable()
class PerRequest {}

@Processor({ name: 'reports', scope: Scope.REQUEST })
class ScopedReports extends WorkerHost {
  constructor(readonly service: PerRequest) {
    super();
  }
  @Cancelable('1h')
  async process(): Promise<void> {
    entered.resolve(currentOperation());
    await currentOperation().sleep('1h');
  }
}

describeWith(['redis'], '@Cancelable() on a processor of BullMQ', () => {
  let server: RunningServer;
  let redis: Redis;
  let closing: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    server = await startServer('redis');
    redis = new Redis(server.port, { maxRetriesPerRequest: null });
  });
  afterAll(async () => {
    redis.disconnect();
    await server.stop();
  });
  afterEach(async () => {
    for (const close of closing) await close();
    closing = [];
    await redis.flushall();
  });

  async function start(
    processor: Type,
    options: CancelableModuleOptions = { extensions: [bullmq()] },
    providers: ModuleMetadata['providers'] = [],
  ): Promise<AppContext & { queue: Queue; events: QueueEvents }> {
    entered = deferred();
    const connection = { host: '127.0.0.1', port: server.port };
    const host = await startContext(
      {
        imports: [
          BullModule.forRoot({ connection }),
          BullModule.registerQueue({ name: 'reports' }),
        ],
        providers: [processor, ...providers],
      },
      { shutdown: { grace: '10ms' }, ...options },
    );
    const events = new QueueEvents('reports', { connection });
    await events.waitUntilReady();
    closing.push(() => events.close());
    return { ...host, events, queue: host.app.get<Queue>(getQueueToken('reports')) };
  }

  const add = (queue: Queue, name: string, options?: JobsOptions) => queue.add(name, {}, options);

  function next(registry: OperationRegistry, type: OperationEvent['type']) {
    return firstValueFrom(registry.events$.pipe(filter((event) => event.type === type)));
  }

  const failure = (job: Job, events: QueueEvents) =>
    job.waitUntilFinished(events).then(
      () => Promise.reject(new Error('the job did not fail')),
      (error: Error) => error.message,
    );

  it('is an operation of kind job, by queue and job', async () => {
    const { registry, queue, events } = await start(Reports);
    const job = await add(queue, 'quick');
    expect(await job.waitUntilFinished(events)).toBe('done');
    expect(registry.history()).toMatchObject([
      {
        id: `reports:${job.id}`,
        name: 'reports',
        kind: 'job',
        status: 'completed',
        metadata: { queue: 'reports', job: 'quick', attempt: 1 },
      },
    ]);
  });

  it('is not tried again after a cancel by its id', async () => {
    const { registry, queue, events } = await start(Reports);
    const job = await add(queue, 'slow', { attempts: 3 });
    await entered.promise;
    const failed = failure(job, events);
    expect(registry.cancel(`reports:${job.id}`, { message: 'stop pressed' })).toBe(true);
    expect(await failed).toBe('stop pressed');
    expect(await queue.getJob(job.id as string)).toMatchObject({ attemptsMade: 1 });
    expect(await queue.getFailedCount()).toBe(1);
  });

  it('is canceled by cancelJob() in the same way', async () => {
    const { app, registry, queue, events } = await start(Reports);
    const job = await add(queue, 'slow', { attempts: 3 });
    const operation = await entered.promise;
    const failed = failure(job, events);
    expect(app.get(Reports).worker.cancelJob(job.id as string, 'by the queue')).toBe(true);
    expect(operation.cancelation).toMatchObject({ reason: 'manual', message: 'by the queue' });
    expect(await failed).toBe('by the queue');
    expect(await queue.getFailedCount()).toBe(1);
    await registry.whenIdle();
  });

  it('is tried again after a timeout', async () => {
    const { registry, queue, events } = await start(Limited);
    const job = await add(queue, 'slow', { attempts: 2 });
    expect(await job.waitUntilFinished(events)).toBe(2);
    expect(registry.history().map(({ status, reason }) => [status, reason])).toEqual([
      ['canceled', 'timeout'],
      ['completed', undefined],
    ]);
  });

  it('passes its progress on', async () => {
    const { queue, events } = await start(Reports);
    const told: unknown[] = [];
    const complete = new Promise<void>((resolve) => {
      events.on('progress', ({ data }) => {
        if (told.push(data) === 2) resolve();
      });
    });
    await add(queue, 'measured');
    await complete;
    expect(told).toMatchObject([
      { current: 1, total: 4, percent: 25 },
      { current: 4, total: 4, percent: 100 },
    ]);
  });

  it('goes back to its queue when the application shuts down, and no attempt is lost', async () => {
    const first = await start(Reports);
    const job = await add(first.queue, 'slow', { attempts: 1 });
    await entered.promise;
    await first.app.close();
    expect(first.registry.history()).toMatchObject([{ kind: 'job', reason: 'shutdown' }]);
    const queue = new Queue('reports', { connection: { host: '127.0.0.1', port: server.port } });
    closing.push(() => queue.close());
    expect(await queue.getWaitingCount()).toBe(1);
    expect(await queue.getJob(job.id as string)).toMatchObject({ attemptsMade: 0 });
    await start(Reports);
    expect((await entered.promise).id).toBe(`reports:${job.id}`);
  });

  it('is not taken while the application drains', async () => {
    const { app, registry, queue } = await start(Reports, {
      extensions: [bullmq()],
      shutdown: { grace: '1h' },
    });
    const gate = deferred();
    registry.spawn('work', () => gate.promise);
    const { worker } = app.get(Reports);
    const closed = app.close();
    while (!registry.draining) await Promise.resolve();
    const paused = new Promise((resolve) => worker.once('paused', () => resolve(undefined)));
    const job = await add(queue, 'quick');
    // This worker has had no job yet, so it takes one; that goes back, and the worker pauses.
    await paused;
    expect(await job.getState()).toBe('waiting');
    expect(registry.statistics().refused).toBe(1);
    gate.resolve();
    await closed;
  });

  it('is canceled when its lock is lost', async () => {
    @Processor('reports', { lockDuration: 400 })
    class ShortLock extends Reports {}
    const { app, registry, queue } = await start(ShortLock);
    // BullMQ's own complaint about the lock.
    app.get(ShortLock).worker.on('error', () => {});
    const job = await add(queue, 'slow');
    const operation = await entered.promise;
    const canceled = next(registry, 'canceled');
    await redis.del(`bull:reports:${job.id}:lock`);
    expect((await canceled).operation).toMatchObject({ id: operation.id, reason: 'superseded' });
    await registry.whenIdle();
  });

  it('of a request-scoped processor is the same', async () => {
    const { registry, queue, events } = await start(ScopedReports, undefined, [
      { provide: PerRequest, useClass: PerRequest, scope: Scope.REQUEST },
    ]);
    const job = await add(queue, 'slow', { attempts: 3 });
    const operation = await entered.promise;
    expect(operation.snapshot()).toMatchObject({ id: `reports:${job.id}`, kind: 'job' });
    const failed = failure(job, events);
    expect(registry.cancel(operation.id)).toBe(true);
    await failed;

    entered = deferred();
    const second = await add(queue, 'slow');
    const again = await entered.promise;
    const worker = workers.at(-1);
    const secondFailed = failure(second, events);
    expect(worker?.cancelJob(second.id as string)).toBe(true);
    expect(again.token.reason).toBe('manual');
    await secondFailed;
  });

  it('works without the extension, but the queue does not know why it failed', async () => {
    const { app, queue, events } = await start(Reports, {});
    const job = await add(queue, 'slow', { attempts: 1 });
    const operation = await entered.promise;
    expect(operation.snapshot()).toMatchObject({ id: `reports:${job.id}`, kind: 'job' });
    const failed = failure(job, events);
    app.get(Reports).worker.cancelJob(job.id as string, 'by the queue');
    expect(await failed).toBe('by the queue');
    expect(operation.token.reason).toBe('manual');
  });

  it('is taken back when the application has closed', async () => {
    const { run } = Worker.prototype;
    const { app } = await start(Reports);
    expect(Worker.prototype.run).not.toBe(run);
    await app.close();
    expect(Worker.prototype.run).toBe(run);
  });
});

/** Workers as they come, since @nestjs/bullmq hands out none of a request-scoped processor. */
const workers: Worker[] = [];
const { run } = Worker.prototype;
Worker.prototype.run = function (this: Worker) {
  workers.push(this);
  return run.call(this);
};
