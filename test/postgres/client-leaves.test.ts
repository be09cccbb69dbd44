import { Controller, Get, Inject, Injectable } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import { Cancelable, CancelToken, type CancelationToken } from 'nestjs-cancelable';
import { postgres } from 'nestjs-cancelable/postgres';
import pg from 'pg';
import { turn } from '../support/deferred.js';
import { adapters, startHttpApp } from '../support/http-app.js';
import { get, send } from '../support/http-client.js';
import { newPool, running, slow, usePostgres } from './support.js';

usePostgres();

/** Knows nothing of cancelation. */
@Injectable()
class ReportsService {
  constructor(@Inject(pg.Pool) private readonly pool: pg.Pool) {}

  async totals(marker: string): Promise<unknown[]> {
    return (await this.pool.query(slow(marker))).rows;
  }
}

@Controller()
class ReportsController {
  constructor(@Inject(ReportsService) private readonly reports: ReportsService) {}

  @Get('undecorated')
  undecorated() {
    return this.reports.totals('undecorated');
  }

  @Get('decorated')
  @Cancelable()
  decorated() {
    return this.reports.totals('decorated');
  }

  @Get('limited')
  @Cancelable('500ms')
  limited() {
    return this.reports.totals('limited');
  }

  @Get('told')
  @Cancelable({ settle: 'wait' })
  told(@CancelToken() token: CancelationToken) {
    return token.isCanceled ? [] : this.reports.totals('told');
  }
}

describe.each(adapters)('a report over a real table, on %s', (adapter) => {
  const start = async () => {
    const pool = newPool();
    const app = await startHttpApp(adapter, {
      controllers: [ReportsController],
      providers: [ReportsService, { provide: pg.Pool, useValue: pool }],
      cancelable: { extensions: [postgres()] },
    });
    return { app, pool };
  };

  it.each(['undecorated', 'decorated', 'told'])(
    'is gone from the server when its client leaves: %s',
    async (path) => {
      const { app, pool } = await start();
      const request = send(`${app.url}/${path}`);
      await running(path);
      request.destroy();
      await running(path, 0);
      await app.registry.whenIdle();
      expect(app.registry.history()[0]).toMatchObject({ status: 'canceled', reason: 'disconnect' });
      while (pool.idleCount === 0) await turn();
      expect([pool.totalCount, pool.idleCount]).toEqual([1, 1]);
      expect([...app.log.find('error'), ...app.log.find('warn')]).toEqual([]);
    },
  );

  it('is gone from the server when its time is up', async () => {
    const { app } = await start();
    expect(await get(`${app.url}/limited`)).toMatchObject({ status: 504 });
    await running('limited', 0);
  });
});
