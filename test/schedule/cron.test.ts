import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  Cron,
  CronExpression,
  Interval,
  ScheduleModule,
  SchedulerRegistry,
  Timeout,
} from '@nestjs/schedule';
import { Cancelable, currentOperation, type Operation, OperationRegistry } from 'nestjs-cancelable';
import { filter, firstValueFrom } from 'rxjs';
import { startContext } from '../support/app-context.js';
import { type Deferred, deferred, rejection, turn } from '../support/deferred.js';

const imports = [ScheduleModule.forRoot()];

/** The next event of a type. */
function next(registry: OperationRegistry, type: string) {
  return firstValueFrom(registry.events$.pipe(filter((event) => event.type === type)));
}

@Injectable()
class Jobs {
  readonly entered: Deferred<Operation>[] = [deferred(), deferred()];
  runs = 0;

  @Cron(CronExpression.EVERY_SECOND, { name: 'nightly' })
  @Cancelable({ timeout: '1h', exclusive: { onConflict: 'skip' } })
  async nightly(operation = currentOperation()) {
    this.entered[this.runs++]?.resolve(operation);
    await operation.sleep('1h');
  }
}

describe('@Cancelable() on @Cron()', () => {
  it('is an operation of kind cron with the name of the job, and can be canceled by it', async () => {
    const { app, registry, log } = await startContext({ imports, providers: [Jobs] });
    const jobs = app.get(Jobs);
    const operation = await jobs.entered[0]?.promise;
    expect(operation?.snapshot()).toMatchObject({ name: 'nightly', kind: 'cron' });
    expect(operation?.token.remaining()).toBeGreaterThan(3_000_000);
    const settled = next(registry, 'settled');
    expect(registry.cancelAll({ kind: 'cron', name: 'nightly' })).toBe(1);
    expect((await settled).operation).toMatchObject({ status: 'canceled', reason: 'manual' });
    expect(log.find('debug', 'nightly was canceled')).toHaveLength(1);
    expect(log.find('error')).toEqual([]);
    // The key is free again: the next tick runs.
    expect((await jobs.entered[1]?.promise)?.name).toBe('nightly');
  });

  it('does not overlap, if it is exclusive', async () => {
    const { app, registry } = await startContext({ imports, providers: [Jobs] });
    const jobs = app.get(Jobs);
    await jobs.entered[0]?.promise;
    const job = app.get(SchedulerRegistry).getCronJob('nightly');
    await job.fireOnTick();
    expect(jobs.runs).toBe(1);
    expect(registry.list({ kind: 'cron' })).toHaveLength(1);
  });

  it('ends a run when its time is over', async () => {
    @Injectable()
    class Limited {
      @Cron(CronExpression.EVERY_SECOND)
      @Cancelable(10)
      run(operation = currentOperation()) {
        return operation.sleep('1h');
      }
    }
    const { registry } = await startContext({ imports, providers: [Limited] });
    const { operation } = await next(registry, 'settled');
    expect(operation).toMatchObject({ name: 'Limited.run', kind: 'cron', reason: 'timeout' });
  });

  it('is drained on shutdown, and begins no further run', async () => {
    const { app, registry } = await startContext(
      { imports, providers: [Jobs] },
      { shutdown: { grace: '10ms' } },
    );
    const jobs = app.get(Jobs);
    await jobs.entered[0]?.promise;
    const job = app.get(SchedulerRegistry).getCronJob('nightly');
    await app.close();
    expect(registry.history()).toMatchObject([{ name: 'nightly', reason: 'shutdown' }]);
    await job.fireOnTick();
    expect(jobs.runs).toBe(1);
    expect(registry.statistics().refused).toBe(1);
  });
});

describe('the log of a scheduler', () => {
  /** Jobs that tick until they have done so often enough. */
  function createTicks() {
    const ticks = new Map<string, number>();
    const waiting = new Set<() => void>();
    const tick = (job: string) => {
      ticks.set(job, (ticks.get(job) ?? 0) + 1);
      for (const check of waiting) check();
    };
    const until = (job: string, count: number) =>
      new Promise<void>((resolve) => {
        const check = () => (ticks.get(job) ?? 0) >= count && resolve();
        waiting.add(check);
        check();
      });

    @Injectable()
    class Service {
      @Cancelable({ name: 'service.slow', timeout: 1 })
      async slow(operation = currentOperation()) {
        await operation.sleep('1h');
      }
      @Cancelable()
      async work() {
        await Promise.resolve();
      }
    }

    @Injectable()
    class Ticks {
      constructor(private readonly service: Service) {}

      @Interval('canceled', 10)
      @Cancelable()
      async canceled(operation = currentOperation()) {
        tick('canceled');
        operation.cancel();
        await operation.sleep('1h');
      }
      @Interval('late', 10)
      @Cancelable(1)
      async late(operation = currentOperation()) {
        tick('late');
        await operation.sleep('1h');
      }
      @Interval('undecorated', 10)
      async undecorated() {
        tick('undecorated');
        await this.service.work();
      }
      @Timeout('failing', 10)
      @Cancelable()
      async failing() {
        tick('failing');
        throw new Error('of the job');
      }
      @Timeout('depending', 10)
      @Cancelable()
      async depending() {
        tick('depending');
        await this.service.slow();
      }
    }
    return { until, providers: [Ticks, Service], Ticks };
  }

  it('has canceled runs at debug, and failures of a job as ever', async () => {
    const { until, providers } = createTicks();
    const { log } = await startContext({ imports, providers });
    await Promise.all([until('canceled', 3), until('late', 3), until('failing', 1)]);
    await until('depending', 1);
    while (log.find('error').length < 2) await turn();
    expect(log.find('debug', 'canceled was canceled').length).toBeGreaterThanOrEqual(2);
    expect(log.find('debug', 'late was canceled').length).toBeGreaterThanOrEqual(2);
    const errors = log.find('error').map((text) => text.split(' Scheduler')[0]);
    expect(errors.sort()).toEqual([
      expect.stringContaining('of the job'),
      expect.stringContaining('TimeoutError'),
    ]);
  });

  it('has ticks at debug only while the application drains', async () => {
    const { until, providers } = createTicks();
    const { app, registry, log } = await startContext(
      { imports, providers },
      { shutdown: { grace: '3s' } },
    );
    await until('depending', 1);
    while (log.find('error').length < 2) await turn();
    const gate = deferred();
    registry.spawn('what runs', () => gate.promise);
    const closed = app.close();
    while (!registry.draining) await turn();
    const refused = () => log.find('debug', 'the application is shutting down');
    const of = (job: string) => refused().filter((text) => text.includes(job)).length;
    while (of('canceled was not begun') < 2 || of('Service.work was not begun') < 2) await turn();
    gate.resolve();
    await closed;
    expect(log.find('error')).toHaveLength(2);
  });

  it('does not swallow the error for other callers of a job', async () => {
    const { providers, Ticks } = createTicks();
    const { app } = await startContext({ providers });
    expect(await rejection(app.get(Ticks).late())).toMatchObject({ reason: 'timeout' });
  });
});

describe('@Cancelable() on @Interval() and @Timeout()', () => {
  it('is an operation of kind cron, with a name if there is one', async () => {
    const seen = [deferred<Operation>(), deferred<Operation>(), deferred<Operation>()];
    @Injectable()
    class Ticks {
      @Cancelable()
      @Interval('pulse', 10)
      async pulse() {
        seen[0]?.resolve(currentOperation());
      }
      @Interval(10)
      @Cancelable({ name: 'own name' })
      async unnamed() {
        seen[1]?.resolve(currentOperation());
      }
      @Timeout('warm up', 10)
      @Cancelable()
      async warmUp() {
        seen[2]?.resolve(currentOperation());
      }
    }
    await startContext({ imports, providers: [Ticks] });
    const operations = await Promise.all(seen.map(({ promise }) => promise));
    expect(operations.map(({ name, kind }) => [name, kind])).toEqual([
      ['pulse', 'cron'],
      ['own name', 'cron'],
      ['warm up', 'cron'],
    ]);
  });
});
