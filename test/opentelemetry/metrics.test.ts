import { setTimeout as wait } from 'node:timers/promises';
import type { MetricData } from '@opentelemetry/sdk-metrics';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import {
  Cancelable,
  type Operation,
  OperationLimit,
  type OperationRegistry,
} from 'nestjs-cancelable';
import { opentelemetry, type OpenTelemetryOptions } from 'nestjs-cancelable/opentelemetry';
import { metrics } from '@opentelemetry/api';
import { Injectable } from '@nestjs/common';
import { startContext } from '../support/app-context.js';
import { deferred, rejection, turn } from '../support/deferred.js';
import { registerMeter, registerTracer } from '../support/open-telemetry.js';

@Injectable()
class Reports {
  /** Its type does not tell that it is consumed later. */
  @Cancelable()
  rows(): AsyncIterable<number> {
    return {
      async *[Symbol.asyncIterator]() {
        yield 1;
      },
    };
  }

  @Cancelable()
  async build(): Promise<void> {
    await turn();
  }
}

const start = (options?: OpenTelemetryOptions) =>
  startContext(
    { providers: [Reports] },
    { extensions: [opentelemetry(options)], zombies: { after: 1 }, maxLive: 3 },
  );

interface Sum {
  readonly sum: number;
  readonly buckets: { readonly boundaries: readonly number[] };
}

/** What a metric says: of histograms, how many they have measured. */
function pointsOf(metric: MetricData | undefined): [attributes: object, value: unknown][] {
  return (metric?.dataPoints ?? []).map(({ attributes, value }) => [
    attributes,
    typeof value === 'number' ? value : (value as { count: number }).count,
  ]);
}

const NAME = 'cancelable.operation.name';
const KIND = 'cancelable.operation.kind';
const STATUS = 'cancelable.operation.status';
const REASON = 'cancelable.reason';

afterEach(() => void jest.useRealTimers());

/** Until it holds: an SDK is looked for now and then. */
async function eventually(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await wait(5);
}

async function cancelLate(registry: OperationRegistry, name: string): Promise<() => Promise<void>> {
  const gate = deferred();
  const zombie = new Promise<void>((resolve) => {
    registry.events$.subscribe(({ type }) => type === 'zombie' && resolve());
  });
  const result = registry.run(name, () => gate.promise);
  registry.cancelAll({ name }, { reason: 'condition' });
  await rejection(result);
  await zombie;
  return async () => {
    gate.resolve();
    await registry.whenIdle();
  };
}

describe('the metrics of opentelemetry()', () => {
  it('time operations by name, kind and status', async () => {
    const collect = registerMeter();
    const { app, registry } = await start();
    await app.get(Reports).build();
    await app.get(Reports).build();
    await rejection(registry.run('import', () => Promise.reject(new Error('broken'))));

    const duration = (await collect()).get('cancelable.operation.duration')!;
    expect(duration.descriptor).toMatchObject({ unit: 's' });
    expect(pointsOf(duration)).toEqual([
      [{ [NAME]: 'Reports.build', [KIND]: 'method', [STATUS]: 'completed' }, 2],
      [{ [NAME]: 'import', [KIND]: 'task', [STATUS]: 'failed' }, 1],
    ]);
    const { buckets } = duration.dataPoints[0]!.value as { buckets: { boundaries: number[] } };
    expect(buckets.boundaries.slice(0, 3)).toEqual([0.005, 0.01, 0.025]);
    expect(buckets.boundaries.at(-1)).toBe(300);
  });

  it('tell seconds: of a duration, and of what of it was after the cancel', async () => {
    const collect = registerMeter();
    const { registry } = await start();
    const result = registry.run({ name: 'work', settle: 'wait' }, async (operation) => {
      await operation.sleep('30ms');
      operation.cancel();
      await operation.shield(() => wait(20));
    });
    await result;
    const metrics = await collect();
    const [duration, latency] = [
      'cancelable.operation.duration',
      'cancelable.operation.cancel.latency',
    ].map((name) => {
      const metric = metrics.get(name)!;
      expect(metric.descriptor.unit).toBe('s');
      return metric.dataPoints[0]!.value as Sum;
    }) as [Sum, Sum];
    expect(latency.sum).toBeGreaterThan(0.015);
    expect(duration.sum).toBeGreaterThan(latency.sum + 0.025);
    expect(duration.sum).toBeLessThan(10);
    expect(latency.buckets.boundaries[0]).toBe(0.001);
    expect(metrics.get('cancelable.operation.refused')?.descriptor.unit).toBe('{operation}');
  });

  it('count what is live, cancels by their reason, zombies and refusals', async () => {
    const collect = registerMeter();
    const { registry } = await start();
    const end = await cancelLate(registry, 'stuck');
    const others = ['a', 'b'].map((name) => registry.spawn(name, (each) => each.sleep('1h')));
    expect(await rejection(registry.run('c', () => {}))).toBeInstanceOf(OperationLimit);

    let metrics = await collect();
    expect(pointsOf(metrics.get('cancelable.operation.active'))).toEqual([
      [{ [NAME]: 'stuck', [KIND]: 'task' }, 1],
      [{ [NAME]: 'a', [KIND]: 'task' }, 1],
      [{ [NAME]: 'b', [KIND]: 'task' }, 1],
    ]);
    expect(pointsOf(metrics.get('cancelable.operation.cancelations'))).toEqual([
      [{ [NAME]: 'stuck', [KIND]: 'task', [REASON]: 'condition' }, 1],
    ]);
    expect(pointsOf(metrics.get('cancelable.operation.zombies'))).toEqual([
      [{ [NAME]: 'stuck', [KIND]: 'task' }, 1],
    ]);
    expect(pointsOf(metrics.get('cancelable.operation.refused'))).toEqual([[{}, 1]]);
    expect(metrics.has('cancelable.operation.cancel.latency')).toBe(false);

    others.forEach((each) => each.cancel());
    await end();
    metrics = await collect();
    expect(pointsOf(metrics.get('cancelable.operation.zombies'))).toEqual([
      [{ [NAME]: 'stuck', [KIND]: 'task' }, 0],
    ]);
    expect(pointsOf(metrics.get('cancelable.operation.active')).map(([, live]) => live)).toEqual([
      0, 0, 0,
    ]);
    expect(pointsOf(metrics.get('cancelable.operation.cancel.latency'))).toContainEqual([
      { [NAME]: 'stuck', [KIND]: 'task', [REASON]: 'condition' },
      1,
    ]);
  });

  it('have one series for all names beyond the first thousand', async () => {
    const collect = registerMeter();
    const { registry } = await start();
    for (let index = 0; index < 1_010; index++) await registry.run(`report ${index}`, () => {});
    const points = pointsOf((await collect()).get('cancelable.operation.duration'));
    expect(points).toHaveLength(1_001);
    expect(points.at(-1)).toEqual([
      { [NAME]: '(other)', [KIND]: 'task', [STATUS]: 'completed' },
      10,
    ]);
    registry.start('and one more');
    expect(pointsOf((await collect()).get('cancelable.operation.active'))).toEqual([
      [{ [NAME]: '(other)', [KIND]: 'task' }, 1],
    ]);
  });

  it('add up the applications of a process, and lose one that is closed', async () => {
    const collect = registerMeter();
    const [first, second] = [await start(), await start()];
    for (const { registry } of [first, second]) {
      registry.spawn('import', (each) => each.sleep('1h'));
    }
    const active = async () => pointsOf((await collect()).get('cancelable.operation.active'));
    expect(await active()).toEqual([[{ [NAME]: 'import', [KIND]: 'task' }, 2]]);
    await second.app.close();
    expect(await active()).toEqual([[{ [NAME]: 'import', [KIND]: 'task' }, 1]]);
    await first.app.close();
    expect(await active()).toEqual([[{ [NAME]: 'import', [KIND]: 'task' }, 0]]);
  });

  it('go on counting what was refused, also of an application that is gone', async () => {
    const collect = registerMeter();
    const [first, second] = [await start(), await start()];
    const refused = async () => {
      const [[, value] = []] = pointsOf((await collect()).get('cancelable.operation.refused'));
      return value as number;
    };
    const before = await refused();
    for (const { registry } of [first, second]) {
      for (const name of ['a', 'b', 'c']) registry.spawn(name, (each) => each.sleep('1h'));
      await rejection(registry.run('d', () => {}));
    }
    await first.app.close();
    expect((await refused()) - before).toBe(2);
  });

  it('move to another SDK, which hears nothing of names that are gone', async () => {
    const { app, registry } = await start();
    const collect = registerMeter();
    await eventually(async () => {
      await app.get(Reports).build();
      return (await collect()).has('cancelable.operation.duration');
    });
    const handle = registry.start('only once');
    await collect();
    await handle.complete();
    metrics.disable();
    const collectAgain = registerMeter();
    await eventually(async () => {
      await app.get(Reports).build();
      return (await collectAgain()).has('cancelable.operation.duration');
    });
    const build = app.get(Reports).build();
    const named = pointsOf((await collectAgain()).get('cancelable.operation.active'));
    expect(named).toEqual([[{ [NAME]: 'Reports.build', [KIND]: 'method' }, 1]]);
    await build;
    const counted = pointsOf((await collect()).get('cancelable.operation.duration'))[0]?.[1];
    await app.get(Reports).build();
    const unheard = registry.start('unheard');
    const former = await collect();
    expect(pointsOf(former.get('cancelable.operation.duration'))[0]?.[1]).toBe(counted);
    expect(pointsOf(former.get('cancelable.operation.active')).flat()).not.toContainEqual(
      expect.objectContaining({ [NAME]: 'unheard' }),
    );
    await unheard.complete();
  });

  it('go on, however often an SDK is looked for, and by however many applications', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    const collect = registerMeter();
    const first = await start();
    const handle = first.registry.start('once');
    await collect();
    await handle.complete();
    for (const { registry } of [first, await start()]) {
      for (let round = 0; round < 3; round++) {
        await registry.run('import', () => {});
        jest.advanceTimersByTime(200);
      }
    }
    const metrics = await collect();
    expect(pointsOf(metrics.get('cancelable.operation.active'))).toContainEqual([
      { [NAME]: 'once', [KIND]: 'task' },
      0,
    ]);
    expect(pointsOf(metrics.get('cancelable.operation.duration'))).toContainEqual([
      { [NAME]: 'import', [KIND]: 'task', [STATUS]: 'completed' },
      6,
    ]);
  });

  it('ask nobody of anything while there is no SDK', async () => {
    const asked: string[] = [];
    const { registry } = await start({ ignore: ({ name }) => asked.push(name) < 0 });
    await registry.run('import', () => {});
    expect(asked).toEqual([]);
  });

  it.each<[string, OpenTelemetryOptions]>([
    ['all', {}],
    ['what is not ignored', { ignore: ({ name }) => name === 'quiet' }],
    ['nothing', { ignore: () => true }],
  ])('count what is live of %s, but for what waits for a consumer', async (_, options) => {
    const collect = registerMeter();
    const { app, registry } = await start(options);
    const active = async () => {
      const points = pointsOf((await collect()).get('cancelable.operation.active'));
      return Object.fromEntries(
        points.map(([attributes, live]) => [(attributes as Record<string, string>)[NAME], live]),
      );
    };
    const quiet = registry.start('quiet');
    const loud = options.ignore === undefined ? { quiet: 1 } : {};
    expect(await active()).toEqual(loud);
    const rows = app.get(Reports).rows()[Symbol.asyncIterator]();
    expect(await active()).toEqual(loud);
    await rows.next();
    const isTold = options.ignore?.({ name: 'Reports.rows' } as Operation) !== true;
    expect(await active()).toEqual({ ...loud, ...(isTold ? { 'Reports.rows': 1 } : undefined) });
    await rows.return?.();
    await quiet.complete();
    await registry.whenIdle();
    expect(Object.values(await active()).every((live) => live === 0)).toBe(true);
  });

  it('leave out of live ones and zombies what is ignored of a name', async () => {
    const collect = registerMeter();
    const { registry } = await start({ ignore: ({ metadata }) => metadata['ignored'] === true });
    const gate = deferred();
    const run = (metadata: { readonly ignored?: true }) =>
      registry.run({ name: 'stuck', metadata, settle: 'wait' }, () => gate.promise);
    const numbers = async () => {
      const metrics = await collect();
      return ['active', 'zombies'].map(
        (name) => pointsOf(metrics.get(`cancelable.operation.${name}`))[0]?.[1],
      );
    };
    const early = run({ ignored: true });
    await collect();
    const all = [early, run({ ignored: true }), run({})];
    expect(await numbers()).toEqual([1, undefined]);
    let left = all.length;
    const zombies = new Promise<void>((resolve) => {
      registry.events$.subscribe(({ type }) => type === 'zombie' && --left === 0 && resolve());
    });
    registry.cancelAll({ name: 'stuck' });
    await zombies;
    expect(await numbers()).toEqual([1, 1]);
    gate.resolve();
    await Promise.all(all);
    expect(await numbers()).toEqual([0, 0]);
    expect(registry.statistics().zombies).toBe(0);
  });

  it('tell of nothing that begins or ends after the application is closed', async () => {
    const collect = registerMeter();
    const asked: string[] = [];
    const { app, registry } = await start({ ignore: ({ name }) => asked.push(name) < 0 });
    await collect();
    const gate = deferred();
    const late = registry.run({ name: 'late', onShutdown: 'ignore' }, () => gate.promise);
    await app.close();
    expect(pointsOf((await collect()).get('cancelable.operation.active'))).toEqual([]);
    gate.resolve();
    await late;
    await registry.run('later', () => {});
    expect(asked).toEqual(['late']);
    expect(pointsOf((await collect()).get('cancelable.operation.duration'))).toEqual([]);
  });

  it('begin with an SDK that is registered after the start', async () => {
    const { app } = await start();
    await app.get(Reports).build();
    const collect = registerMeter();
    let duration: MetricData | undefined;
    while (duration === undefined) {
      await app.get(Reports).build();
      duration = (await collect()).get('cancelable.operation.duration');
    }
    expect(pointsOf(duration).map(([, count]) => count)).toEqual([1]);
  });

  it('ask ignore() once for each operation, whatever it gives', async () => {
    const collect = registerMeter();
    registerTracer();
    const asked: string[] = [];
    const { registry } = await start({
      ignore: ({ name }) => {
        asked.push(name);
        return (name === 'quiet' ? 1 : undefined) as unknown as boolean;
      },
    });
    for (const name of ['quiet', 'loud']) {
      const result = registry.run(name, (operation) => operation.sleep('1h'));
      await collect();
      registry.cancelAll({ name });
      await rejection(result);
    }
    await registry.whenIdle();
    expect(asked).toEqual(['quiet', 'loud']);
    expect(pointsOf((await collect()).get('cancelable.operation.duration'))).toHaveLength(1);
  });

  it('tell two kinds of one name apart', async () => {
    const collect = registerMeter();
    const { app, registry } = await start();
    const build = app.get(Reports).build();
    registry.spawn('Reports.build', (each) => each.sleep('1h'));
    expect(pointsOf((await collect()).get('cancelable.operation.active'))).toEqual([
      [{ [NAME]: 'Reports.build', [KIND]: 'method' }, 1],
      [{ [NAME]: 'Reports.build', [KIND]: 'task' }, 1],
    ]);
    await build;
  });

  it('are not there where they are switched off', async () => {
    const collect = registerMeter();
    const { app } = await start({ metrics: false });
    await app.get(Reports).build();
    expect([...(await collect()).keys()]).toEqual([]);
  });

  it('tell nothing of what is ignored but refusals, of which there is no operation', async () => {
    const collect = registerMeter();
    const { registry } = await start({ ignore: ({ name }) => name !== 'other' });
    const end = await cancelLate(registry, 'stuck');
    const others = ['a', 'b'].map((name) => registry.spawn(name, (each) => each.sleep('1h')));
    await rejection(registry.run('c', () => {}));
    expect([...(await collect()).keys()]).toEqual(['cancelable.operation.refused']);
    others.forEach((each) => each.cancel());
    await end();
    expect([...(await collect()).keys()]).toEqual(['cancelable.operation.refused']);
  });

  it('and spans may come of one extension each, and of no two', async () => {
    const collect = registerMeter();
    const { registry } = await startContext(
      {},
      { extensions: [opentelemetry({ metrics: false }), opentelemetry({ spans: false })] },
    );
    await registry.run('import', () => {});
    expect(pointsOf((await collect()).get('cancelable.operation.duration'))[0]?.[1]).toBe(1);
    for (const part of ['spans', 'metrics']) {
      const extensions = [opentelemetry(), opentelemetry({ [part]: false })];
      await expect(startContext({}, { extensions })).rejects.toThrow('opentelemetry() is there');
    }
  });
});
