import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { Redis } from 'ioredis';
import {
  startApplication,
  startInstance,
  startProcesses,
  untilComplete,
  withRedis,
} from './cluster-service.mjs';
import { nanosecondsPerCall, round, verdict } from './support.mjs';

const CANCELS = 2_000;
const LISTS = 20;
const LOCAL = 100_000;

const CANCEL = 'cancel by id, acknowledged by another process';
const LIST = 'list of 10,000 operations of 8 processes';
const COST = 'local operations';
const TURNS = 'list of 100,000 operations of one other instance';

/** Other instances, and the operations that they have together. */
const GROWTH = [
  [1, 3_200],
  [4, 3_200],
  [8, 3_200],
  [16, 3_200],
  [32, 3_200],
  [8, 100_000],
];
const grown = ([instances, operations]) => `${instances} × ${operations / instances}`;

/** What it takes to reach operations of other instances, over Redis. */
export const cluster = {
  name: 'cluster',
  title: 'One registry over all instances, over Redis',
  variants: [CANCEL, LIST, TURNS, COST, ...GROWTH.map(grown)],
  measure(variant) {
    if (variant === CANCEL) return measureCancels(1, 1, CANCELS);
    if (variant === LIST) return measureLists(8, 8, 10_000);
    if (variant === TURNS) return measureTurns();
    if (variant === COST) return measureCost();
    const [instances, operations] = GROWTH.find((each) => grown(each) === variant);
    return measureGrowth(instances, operations);
  },
  report(medians) {
    const cancel = medians[CANCEL];
    const list = medians[LIST];
    const turns = medians[TURNS];
    const cost = medians[COST];
    return [
      {
        measured: `${CANCEL}, ms`,
        p50: round(cancel.p50),
        p99: round(cancel.p99),
        limit: 'p50 1, p99 5',
        met: verdict(Math.max(cancel.p50, cancel.p99 / 5), Infinity, 1),
      },
      {
        measured: `${LIST}, ms`,
        p50: round(list.p50),
        p99: round(list.p99),
        limit: 'p50 50',
        met: verdict(list.p50, Infinity, 50),
      },
      { measured: `${TURNS}, ms`, p50: round(turns.time) },
      ...['asks', 'answers'].map((side) => ({
        measured: `the longest turn of the event loop meanwhile, of who ${side}, ms`,
        p50: round(turns[side]),
        limit: '20',
        met: verdict(turns[side], 20, 10),
      })),
      {
        measured: `commands of the server for ${LOCAL.toLocaleString('en')} operations, heartbeats left out`,
        p50: cost.commands,
        limit: '0',
        met: verdict(cost.commands, 0, 0),
      },
      {
        measured: 'an operation in a cluster / without',
        p50: round(cost.ratio, 3),
      },
      ...GROWTH.flatMap((each) => {
        const [instances, operations] = each;
        const { cancel50, cancel99, list50, list99 } = medians[grown(each)];
        const where = `${instances} other instances, ${operations.toLocaleString('en')} operations`;
        return [
          { measured: `${where}: cancel by id, ms`, p50: round(cancel50), p99: round(cancel99) },
          { measured: `${where}: list all, ms`, p50: round(list50), p99: round(list99) },
        ];
      }),
    ].map((row) => ({ p99: '', limit: '', met: '', ...row }));
  },
};

async function measureGrowth(instances, operations) {
  const processes = Math.min(instances, 8);
  const lists = await measureLists(processes, instances, operations);
  const cancels = await measureCancels(processes, instances, operations, 500);
  return {
    ...{ cancel50: cancels.p50, cancel99: cancels.p99 },
    ...{ list50: lists.p50, list99: lists.p99 },
  };
}

function measureCancels(processes, instances, operations, count = operations) {
  return withInstances(processes, instances, operations, async (registry, ids) => {
    const times = [];
    for (let index = 0; index < count; index++) {
      // Of all of them in turn.
      const id = ids[Math.floor((index * operations) / count)];
      const start = performance.now();
      const { canceled } = await registry.cluster.cancel(id);
      times.push(performance.now() - start);
      assert.equal(canceled, true);
    }
    return percentiles(times.slice(count / 10));
  });
}

function measureLists(processes, instances, operations) {
  return withInstances(processes, instances, operations, async (registry) => {
    const times = [];
    for (let index = 0; index < LISTS + 3; index++) {
      const start = performance.now();
      const { operations: found, complete } = await registry.cluster.list();
      times.push(performance.now() - start);
      assert.equal(complete, true);
      assert.equal(found.length, operations);
    }
    return percentiles(times.slice(3));
  });
}

function measureTurns() {
  return withInstances(1, 1, 100_000, async (registry, _ids, longestTurn) => {
    const delay = monitorEventLoopDelay({ resolution: 1 });
    // Once to warm up, and to be read by nobody.
    await registry.cluster.list();
    await longestTurn();
    delay.enable();
    const start = performance.now();
    const { operations } = await registry.cluster.list();
    const time = performance.now() - start;
    delay.disable();
    assert.equal(operations.length, 100_000);
    return { time, asks: delay.max / 1e6, answers: await longestTurn() };
  });
}

function withInstances(processes, instances, operations, body) {
  return withRedis(async (port) => {
    const service = randomUUID();
    const registry = await startInstance(port, service, 'here');
    const { ids, longestTurn, stop } = await startProcesses(
      port,
      service,
      processes,
      instances,
      operations,
    );
    await untilComplete(registry, instances + 1);
    try {
      return await body(registry, ids, longestTurn);
    } finally {
      await registry.close();
      stop();
    }
  });
}

/** What an operation costs that nobody asks about. */
function measureCost() {
  return withRedis(async (port) => {
    const registry = await startInstance(port, randomUUID(), 'here');
    await untilComplete(registry, 1);
    const redis = new Redis(port);
    const sent = async () => {
      const stats = await redis.info('commandstats');
      const counts = [...stats.matchAll(/cmdstat_([^:]+):calls=(\d+)/g)];
      // The heartbeats are the only ones that are published; a connection is asked whether it lives.
      return counts
        .filter(([, name]) => !['info', 'publish', 'ping'].includes(name))
        .reduce((sum, [, , calls]) => sum + Number(calls), 0);
    };
    const published = async () =>
      Number(/cmdstat_publish:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1] ?? 0);
    const before = [await sent(), await published()];
    const start = performance.now();
    for (let index = 0; index < LOCAL; index++) await registry.run('bench', () => 1);
    const beats = Math.ceil((performance.now() - start) / 900);
    const beyondBeats = Math.max(0, (await published()) - before[1] - beats);
    const commands = (await sent()) - before[0] + beyondBeats;
    const lone = await startApplication({});
    const inCluster = await nanosecondsPerCall(() => registry.run('bench', () => 1));
    const without = await nanosecondsPerCall(() => lone.run('bench', () => 1));
    redis.disconnect();
    return { commands, ratio: inCluster / without };
  });
}

function percentiles(times) {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share) => sorted[Math.ceil(share * sorted.length) - 1];
  return { p50: at(0.5), p99: at(0.99) };
}
