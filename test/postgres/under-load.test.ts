import { describe, expect, it } from '@jest/globals';
import { isCancelation } from 'nestjs-cancelable';
import { openOperation } from '../support/open-operation.js';
import { randomNumbers } from '../support/random.js';
import { ask, newPool, running, start, usePostgres } from './support.js';

usePostgres();

const QUERIES = 5_000;
const AT_ONCE = 20;

describe(`${QUERIES} queries on a pool of 5, canceled at any moment`, () => {
  it('hit no other query, lose none, and leave none behind', async () => {
    const registry = await start();
    const pool = newPool({ max: 5 });
    const next = randomNumbers(7);
    const counts = { answered: 0, canceled: 0, innocent: 0 };
    const one = async (index: number) => {
      const seconds = next() * 0.004;
      const query = () =>
        pool.query<{ index: number }>('SELECT $1::int AS index, pg_sleep($2) /* load */', [
          index,
          seconds,
        ]);
      if (index % 3 === 0) {
        // Outside of any operation, and nobody cancels it.
        expect((await query()).rows[0]!.index).toBe(index);
        counts.innocent++;
        return;
      }
      const { work, operation } = openOperation(registry, query);
      const turns = Math.floor(next() * 12);
      for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
      if (index % 3 === 1) operation.cancel();
      try {
        expect((await work).rows[0]!.index).toBe(index);
        counts.answered++;
      } catch (error) {
        if (!isCancelation(error) || index % 3 !== 1) throw error;
        counts.canceled++;
      }
    };
    let index = 0;
    const worker = async () => {
      while (index < QUERIES) await one(index++);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    expect(counts.answered + counts.canceled + counts.innocent).toBe(QUERIES);
    expect(counts.canceled).toBeGreaterThan(QUERIES / 100);
    await running('load', 0);
    expect([pool.totalCount, pool.idleCount, pool.waitingCount]).toEqual([5, 5, 0]);
    expect(registry.list()).toEqual([]);
    expect(await ask("SELECT pid FROM pg_stat_activity WHERE state LIKE 'idle in%'")).toEqual([]);
  }, 120_000);
});
