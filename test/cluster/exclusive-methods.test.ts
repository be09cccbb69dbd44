import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Cron, CronExpression, ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
import {
  Cancelable,
  ClusterUnavailable,
  currentOperation,
  localBus,
  OperationConflict,
} from 'nestjs-cancelable';
import { lastValueFrom, Observable, toArray } from 'rxjs';
import { startContext } from '../support/app-context.js';
import { type Deferred, deferred, rejection, turn } from '../support/deferred.js';
import { until } from '../support/open-bus.js';
import { clusterOptions, keysOf, ScriptedLeases } from './exclusive-cluster.js';

const byUser = (onConflict: 'cancel-previous' | 'reject' | 'skip') =>
  ({ key: (user: string) => user, onConflict, scope: 'cluster' }) as const;

@Injectable()
class Reports {
  readonly gates: Deferred<string>[] = [];

  private next(): Promise<string> {
    const gate = deferred<string>();
    this.gates.push(gate);
    return gate.promise;
  }

  @Cancelable({ exclusive: byUser('cancel-previous') })
  async latest(_user: string) {
    return this.next();
  }

  @Cancelable({ exclusive: byUser('reject') })
  async single(_user: string) {
    return this.next();
  }

  @Cancelable({ exclusive: byUser('skip') })
  async skipped(_user: string) {
    return this.next();
  }

  @Cancelable({ exclusive: byUser('skip') })
  async *rows(_user: string) {
    yield 1;
    await this.next();
    yield 2;
  }

  @Cancelable({ exclusive: byUser('reject') })
  observed(_user: string): Observable<number> {
    return new Observable((subscriber) => {
      subscriber.next(1);
      void this.next().then(() => subscriber.complete());
    });
  }

  @Cancelable({ exclusive: { ...byUser('skip'), key: 'all' } })
  observedOnce(): Observable<number> {
    return new Observable((subscriber) => {
      void this.next().then(() => subscriber.complete());
    });
  }

  /** What kind of result it has is known only once it is called. */
  @Cancelable({ exclusive: byUser('reject') })
  async later(_user: string): Promise<AsyncIterable<number>> {
    return this.rows('inner');
  }
}

const startTwo = async (leases?: ScriptedLeases) => {
  const optionsOf = clusterOptions(leases);
  const start = async (name: string) => {
    const context = await startContext({ providers: [Reports] }, optionsOf(name));
    return { ...context, keys: keysOf(context.registry), reports: context.app.get(Reports) };
  };
  return { one: await start('one'), two: await start('two') };
};

const running = ({ reports }: { reports: Reports }, count = 1) =>
  until(() => reports.gates.length === count);

describe("@Cancelable({ exclusive: { scope: 'cluster' } }) in two applications", () => {
  it('cancel-previous, reject and skip: per key', async () => {
    const { one, two } = await startTwo();
    const first = rejection(one.reports.latest('ann'));
    await running(one);
    const bob = one.reports.latest('bob');
    await running(one, 2);
    const second = two.reports.latest('ann');
    expect(await first).toMatchObject({ reason: 'superseded' });
    await running(two);
    two.reports.gates[0]?.resolve('second');
    one.reports.gates[1]?.resolve('bob');
    expect(await Promise.all([second, bob])).toEqual(['second', 'bob']);

    const single = one.reports.single('ann');
    await running(one, 3);
    expect(await rejection(two.reports.single('ann'))).toBeInstanceOf(OperationConflict);
    one.reports.gates[2]?.resolve('single');
    expect(await single).toBe('single');

    const skipped = one.reports.skipped('ann');
    await running(one, 4);
    expect(await two.reports.skipped('ann')).toBeUndefined();
    expect(two.reports.gates).toHaveLength(1);
    one.reports.gates[3]?.resolve('skipped');
    expect(await skipped).toBe('skipped');
  });

  it('generators: have the key while they are consumed', async () => {
    const { one, two } = await startTwo();
    const rows = one.reports.rows('ann');
    const idle = two.reports.rows('ann');
    expect(await rows.next()).toEqual({ done: false, value: 1 });
    expect(await idle.next()).toEqual({ done: true, value: undefined });
    const rest = rows.next();
    await running(one);
    one.reports.gates[0]?.resolve('go on');
    expect(await rest).toEqual({ done: false, value: 2 });
    await rows.return(undefined);
    await one.registry.whenIdle();
    await one.keys.close();
    expect(await two.reports.rows('ann').next()).toEqual({ done: false, value: 1 });
  });

  it('Observables: have the key while somebody subscribes', async () => {
    const { one, two } = await startTwo();
    const first = lastValueFrom(one.reports.observed('ann').pipe(toArray()));
    await running(one);
    const second = lastValueFrom(two.reports.observed('ann'));
    expect(await rejection(second)).toBeInstanceOf(OperationConflict);
    one.reports.gates[0]?.resolve('done');
    expect(await first).toEqual([1]);
    await one.keys.close();
    const third = lastValueFrom(two.reports.observed('ann'));
    await running(two);
    two.reports.gates[0]?.resolve('done');
    expect(await third).toBe(1);
  });

  it('Observables that are skipped are empty', async () => {
    const { one, two } = await startTwo();
    const first = lastValueFrom(one.reports.observedOnce().pipe(toArray()));
    await running(one);
    expect(await lastValueFrom(two.reports.observedOnce().pipe(toArray()))).toEqual([]);
    expect(two.reports.gates).toEqual([]);
    one.reports.gates[0]?.resolve('done');
    expect(await first).toEqual([]);
  });

  it('promised iterables: have the key while they are made, and while they are consumed', async () => {
    const { one, two } = await startTwo();
    const made = await one.reports.later('ann');
    await one.keys.close();
    // Nobody consumes it: the key is free.
    const other = await two.reports.later('ann');
    await two.keys.close();
    const rows = made[Symbol.asyncIterator]();
    expect(await rows.next()).toMatchObject({ value: 1 });
    const refused = other[Symbol.asyncIterator]().next();
    expect(await rejection(refused)).toBeInstanceOf(OperationConflict);
    expect(await rejection(two.reports.later('ann'))).toBeInstanceOf(OperationConflict);
    await rows.return?.(undefined);
    await one.registry.whenIdle();
    await one.keys.close();
    expect(await two.reports.later('ann')).toBeDefined();
  });

  it('waits for a bus that is just being opened', async () => {
    const leases = new ScriptedLeases();
    const bus = Object.assign(localBus(), { leases });
    const opening = deferred();
    bus.open = () => opening.promise;
    const { app } = await startContext(
      { providers: [Reports] },
      { cluster: { bus, service: 'reports' } },
    );
    const reports = app.get(Reports);
    const first = reports.skipped('ann');
    await turn();
    expect(leases.asked).toEqual([]);
    opening.resolve();
    await running({ reports });
    reports.gates[0]?.resolve('done');
    expect(await first).toBe('done');
  });

  it('fails while nobody can tell who has the key', async () => {
    const leases = new ScriptedLeases();
    leases.failure = new Error('connection lost');
    const { one } = await startTwo(leases);
    expect(await rejection(one.reports.skipped('ann'))).toBeInstanceOf(ClusterUnavailable);
    expect(await rejection(one.reports.rows('ann').next())).toBeInstanceOf(ClusterUnavailable);
    const observed = lastValueFrom(one.reports.observed('ann'));
    expect(await rejection(observed)).toBeInstanceOf(ClusterUnavailable);
    expect(one.reports.gates).toEqual([]);
  });
});

describe("@Cron() with exclusive: { scope: 'cluster', onConflict: 'skip' }", () => {
  @Injectable()
  class Jobs {
    runs = 0;
    readonly entered = deferred();

    @Cron(CronExpression.EVERY_SECOND, { name: 'nightly' })
    @Cancelable({ timeout: '1h', exclusive: { onConflict: 'skip', scope: 'cluster' } })
    async nightly(operation = currentOperation()) {
      this.runs++;
      this.entered.resolve();
      await operation.sleep('1h');
    }
  }

  it('runs in one instance at a time', async () => {
    const optionsOf = clusterOptions();
    const start = (name: string) =>
      startContext({ imports: [ScheduleModule.forRoot()], providers: [Jobs] }, optionsOf(name));
    const apps = [await start('one'), await start('two')];
    const jobs = apps.map(({ app }) => app.get(Jobs));
    await Promise.race(jobs.map(({ entered }) => entered.promise));
    const runs = () => jobs.reduce((sum, job) => sum + job.runs, 0);
    for (const { app } of apps) await app.get(SchedulerRegistry).getCronJob('nightly').fireOnTick();
    await turn();
    expect(runs()).toBe(1);
    for (const { log } of apps) expect([log.find('warn'), log.find('error')]).toEqual([[], []]);
    // It ends, and whoever is next runs it.
    for (const { registry } of apps) registry.cancelAll({ name: 'nightly' });
    await until(() => runs() === 2);
    const live = apps.flatMap(({ registry }) => registry.list({ name: 'nightly' }));
    await until(() => live.filter(({ status }) => status === 'running').length <= 1);
    expect(runs()).toBe(2);
  });
});

describe('an application without a bus that has leases', () => {
  class Method {
    @Cancelable({ exclusive: { onConflict: 'skip', scope: 'cluster' } })
    async sync() {}
  }
  @Cancelable({ policy: 'one' })
  class Policy {
    @Cancelable()
    async sync() {}
  }

  it.each([Method, Policy])('does not start with a method that needs one', async (provider) => {
    const policies = { one: { exclusive: { onConflict: 'skip', scope: 'cluster' } } } as const;
    const started = startContext({ providers: [provider] }, { policies });
    const message = `@Cancelable() on ${provider.name}.sync: exclusive: scope: 'cluster' needs a bus that has leases`;
    expect((await rejection(started)).message).toContain(message);
    const bus = Object.assign(localBus(), { leases: undefined });
    const without = startContext(
      { providers: [provider] },
      { policies, cluster: { bus, service: 'reports' } },
    );
    expect((await rejection(without)).message).toContain(message);
  });

  it('does not take a method that joins over all instances', () => {
    const declare = () => {
      class Joins {
        @Cancelable({ exclusive: { key: 'a', onConflict: 'join', scope: 'cluster' } })
        async sync() {}
      }
      return Joins;
    };
    expect(declare).toThrow(
      "@Cancelable() on Joins.sync: exclusive: onConflict: 'join' is not allowed with scope: 'cluster'",
    );
  });
});
