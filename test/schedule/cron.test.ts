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
import { type Deferred, deferred } from '../support/deferred.js';

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
    // Nest's scheduler says what a run ended with.
    expect(log.lines.some(({ text }) => text.includes('AbortError'))).toBe(true);
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
