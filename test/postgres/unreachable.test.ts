import { describe, expect, it } from '@jest/globals';
import { postgres } from 'nestjs-cancelable/postgres';
import { startContext } from '../support/app-context.js';
import { rejection } from '../support/deferred.js';
import { startProxy } from './proxy.js';
import { openOperation } from '../support/open-operation.js';
import { newPool, running, slow, usePostgres } from './support.js';

usePostgres();

describe('a server that cannot be told to cancel', () => {
  it.each(['refuse', 'say nothing'] as const)(
    'keeps nobody waiting: the connection is closed, and the log says so (%s)',
    async (late) => {
      const { registry, log } = await startContext({}, { extensions: [postgres()] });
      const proxy = await startProxy();
      const pool = newPool({ port: proxy.port, max: 1 });
      const { work, operation } = openOperation(registry, () => pool.query(slow(late)));
      await running(late);
      proxy.late = late;
      operation.cancel();
      expect(await rejection(work)).toBe(operation.cancelation);
      proxy.late = 'pass';
      expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
      expect(log.find('warn', 'could not be told to cancel a query of report')).toHaveLength(1);
    },
    30_000,
  );
});
