import { afterEach, describe, expect, it, jest } from '@jest/globals';
import type { INestApplicationContext, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { OperationRegistry } from 'nestjs-cancelable';
import { NestLog } from '../support/nest-log.js';
import { PastedPage } from '../support/pasted-page.js';

const HOUR = 3_600_000;

describe('the recipe for a nightly job', () => {
  let app: INestApplicationContext;

  afterEach(async () => {
    jest.useRealTimers();
    app.get(OperationRegistry).cancelAll({});
    await app.close();
  });

  /** One minute before the job is due. */
  async function start() {
    const page = await PastedPage.of('docs/recipes/nightly-job.md');
    const { AppModule } = await page.import<{ AppModule: Type }>('app.module.ts');
    jest.useFakeTimers({ now: new Date(2026, 0, 5, 1, 59) });
    const log = new NestLog();
    app = await NestFactory.createApplicationContext(AppModule, { logger: log });
    return { log, registry: app.get(OperationRegistry) };
  }

  it('stops when its budget is used up, and goes on the next night', async () => {
    const { registry } = await start();
    const night = async () => {
      await jest.advanceTimersByTimeAsync(24 * HOUR);
      return registry.history({ name: 'nightly' });
    };
    expect(await night()).toMatchObject([
      { kind: 'cron', status: 'canceled', reason: 'timeout', partialResult: { last: 118 } },
    ]);
    expect((await night())[1]).toMatchObject({ status: 'canceled', partialResult: { last: 237 } });
    expect((await night())[2]).toMatchObject({ status: 'completed', partialResult: { last: 300 } });
    expect(registry.list()).toEqual([]);
  });

  it('leaves out a customer who takes too long', async () => {
    const { log, registry } = await start();
    await jest.advanceTimersByTimeAsync(HOUR);
    expect(log.find('warn')).toHaveLength(1);
    expect(registry.history({ name: 'invoices.send', status: 'canceled' })).toMatchObject([
      { reason: 'timeout' },
    ]);
    expect(registry.list({ name: 'nightly' })[0]?.progress?.current).toBeGreaterThan(13);
  });
});
