import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Cancelable, OperationRegistry } from 'nestjs-cancelable';
import { startContext } from '../support/app-context.js';
import { MemoryLog } from '../support/memory-log.js';

afterEach(() => {
  jest.useRealTimers();
});

describe('statistics', () => {
  it('are zero at first', () => {
    expect(new OperationRegistry().statistics()).toEqual({
      live: 0,
      byStatus: { running: 0, canceling: 0, completed: 0, failed: 0, canceled: 0 },
      byReason: {},
      byName: {},
      duration: { p50: 0, p95: 0, p99: 0 },
      cancelLatency: { p50: 0, p95: 0, p99: 0 },
      zombies: 0,
      refused: 0,
      ignoredDeadlines: 0,
    });
  });

  it('count by status, reason and name', async () => {
    const registry = new OperationRegistry();
    await registry.run('good', () => {});
    await registry.run('good', () => {});
    await registry.run('bad', () => Promise.reject(new Error('x'))).catch(() => {});
    for (const reason of ['disconnect', 'timeout', 'disconnect'] as const) {
      const handle = registry.start('stopped');
      handle.operation.cancel({ reason });
      await handle.complete();
    }
    registry.start('live');
    registry.start('stopping').operation.cancel();

    expect(registry.statistics()).toMatchObject({
      live: 2,
      byStatus: { running: 1, canceling: 1, completed: 2, failed: 1, canceled: 3 },
      byReason: { disconnect: 2, timeout: 1 },
      byName: {
        good: { started: 2, live: 0, completed: 2, failed: 0, canceled: 0 },
        bad: { started: 1, live: 0, completed: 0, failed: 1, canceled: 0 },
        stopped: { started: 3, live: 0, completed: 0, failed: 0, canceled: 3 },
        live: { started: 1, live: 1 },
        stopping: { started: 1, live: 1 },
      },
    });
  });

  it('add up the kinds of one name', async () => {
    const registry = new OperationRegistry();
    registry.start('report').operation.cancel();
    registry.start({ name: 'report', kind: 'job' });
    await registry.run({ name: 'report', kind: 'job' }, () => {});
    expect(registry.statistics().byName).toEqual({
      report: { started: 3, live: 2, completed: 1, failed: 0, canceled: 0 },
    });
  });

  it('measure durations and how long work took to stop', async () => {
    jest.useFakeTimers();
    const registry = new OperationRegistry();
    for (let count = 1; count <= 100; count++) {
      const handle = registry.start('work');
      jest.advanceTimersByTime(count);
      handle.operation.cancel();
      jest.advanceTimersByTime(10);
      await handle.complete();
    }
    const { duration, cancelLatency } = registry.statistics();
    expect(duration.p50).toBeGreaterThanOrEqual(58);
    expect(duration.p50).toBeLessThanOrEqual(62);
    expect(duration.p99).toBeGreaterThanOrEqual(107);
    expect(duration.p99).toBeLessThanOrEqual(112);
    expect(cancelLatency.p50).toBeGreaterThanOrEqual(9.8);
    expect(cancelLatency.p99).toBeLessThanOrEqual(10.2);
  });

  it('name the 100 busiest, and stay bounded with ever new names', async () => {
    const registry = new OperationRegistry();
    for (let count = 0; count < 5; count++) await registry.run('busy', () => {});
    for (let count = 0; count < 3_000; count++) await registry.run(`user ${count}`, () => {});
    const { byName, byStatus } = registry.statistics();
    expect(Object.keys(byName)).toHaveLength(101);
    expect(Object.keys(byName)[0]).toBe('busy');
    expect(Object.keys(byName)[100]).toBe('(other)');
    expect(byName['(other)']).toEqual({
      started: 2_001,
      live: 0,
      completed: 2_001,
      failed: 0,
      canceled: 0,
    });
    expect(byStatus.completed).toBe(3_005);

    for (let count = 0; count < 5; count++) await registry.run('user 1', () => {});
    expect(registry.statistics().byName['user 1']?.started).toBeGreaterThanOrEqual(5);
  });

  it('hold a year and a microsecond', async () => {
    jest.useFakeTimers();
    const registry = new OperationRegistry();
    const handle = registry.start('long');
    jest.advanceTimersByTime(365 * 86_400_000);
    await handle.complete();
    expect(registry.statistics().duration.p50).toBeGreaterThan(360 * 86_400_000);
    await registry.run('short', () => {});
  });

  it('do not lose a name that was quiet while many others came', async () => {
    const registry = new OperationRegistry();
    const run = () => registry.run('nightly', () => {});
    await run();
    for (let count = 0; count < 2_000; count++) {
      await registry.run({ name: `user ${count}` }, () => {});
      await registry.run({ name: `user ${count}` }, () => {});
    }
    for (let count = 0; count < 9; count++) await run();
    expect(registry.statistics().byName['nightly']).toMatchObject({ started: 10, completed: 10 });
  });

  it('count the names written in the code by themselves, however many others there are', async () => {
    class Reports {
      @Cancelable({ name: 'reports.build' })
      async build() {}
    }
    const { registry, app, log } = await startContext({ providers: [Reports] });
    for (let count = 0; count < 1_001; count++) registry.start(`user ${count}`);
    for (let count = 0; count < 3; count++) await app.get(Reports).build();
    expect(registry.statistics().byName['reports.build']).toMatchObject({ started: 3 });
    expect(log.find('warn', 'more than 1,000 names of operations')).toHaveLength(1);
  });

  it('take no longer, and no more memory, with many live names; one warning says so', () => {
    const log = new MemoryLog();
    const registry = new OperationRegistry({ logger: log });
    // To rank them at each new name took minutes.
    for (let count = 0; count < 50_000; count++) registry.start(`user ${count}`);
    registry.start('x'.repeat(10_000));
    const { byName, live } = registry.statistics();
    expect(live).toBe(50_001);
    expect(byName['(other)']).toMatchObject({ started: 49_001, live: 49_001 });
    expect(log.warnings).toEqual([expect.stringContaining("further ones together, as '(other)'")]);
    registry.cancelAll({});
  });
});
