import { Injectable } from '@nestjs/common';
import { runInThread } from 'nestjs-cancelable/worker';
import { Pool } from 'pg';
import type { rank } from './ranking.js';
import { RatesServer } from './rates-server.js';
import type { Sale } from './sale.js';

export interface ReportRow {
  readonly region: string;
  readonly sales: number;
  readonly usd: number;
  readonly eur: number;
  /** How sure it is that the region sells most, in percent. */
  readonly leads: number;
}

type Total = Pick<ReportRow, 'region' | 'sales' | 'usd'>;

/** A query, a request to another service, and a computation in a thread, all at once. */
@Injectable()
export class ReportService {
  constructor(
    private readonly pool: Pool,
    private readonly ratesServer: RatesServer,
  ) {}

  /** @param seconds how long each of the three takes */
  async report(seconds: number): Promise<ReportRow[]> {
    const [totals, rates, leads] = await Promise.all([
      this.totals(seconds),
      this.rates(seconds),
      this.leads(seconds),
    ]);
    return totals.map((total) => ({
      ...total,
      eur: Math.round(total.usd * rates['EUR']!),
      leads: leads[total.region] ?? 0,
    }));
  }

  /** Slow on purpose: it sleeps at every hundredth of the 10,000 sales. */
  private async totals(seconds: number): Promise<Total[]> {
    const { rows } = await this.pool.query<Total>(
      `SELECT region, count(*)::int AS sales, sum(amount)::int AS usd
       FROM (
         SELECT region, amount, CASE WHEN id % 100 = 0 THEN pg_sleep($1::float8 / 100) END FROM sales
       ) AS slowly
       GROUP BY region ORDER BY usd DESC`,
      [seconds],
    );
    return rows;
  }

  /** Slow on the other side: it sends a line now and then. */
  private async rates(seconds: number): Promise<Record<string, number>> {
    const response = await fetch(`${this.ratesServer.url}/rates?seconds=${seconds}`);
    const lines = (await response.text()).trim().split('\n');
    return Object.fromEntries(
      lines.map((line) => line.split(' ')).map(([currency, rate]) => [currency!, Number(rate)]),
    );
  }

  /** Would block the event loop, so that it runs in a thread. */
  private async leads(seconds: number): Promise<Record<string, number>> {
    const { rows } = await this.pool.query<Sale>('SELECT region, amount FROM sales');
    return runInThread<typeof rank>(new URL('./ranking.js', import.meta.url), {
      name: 'rank',
      args: [rows, seconds],
    });
  }
}
