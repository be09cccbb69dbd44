import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { rejection } from '../support/deferred.js';
import { describeWith } from '../support/servers.js';
import { Database, startKilling } from './harness.js';

/** Rows for ever, quickly. */
const ROWS =
  'SELECT a.help_topic_id FROM mysql.help_topic a, mysql.help_topic b, mysql.help_topic c';
/** One row, and then nothing for a long time. */
const SLOW = 'SELECT IF(help_topic_id < 1, 0, SLEEP(60)) FROM mysql.help_topic';

describeWith(['mariadb'], 'mysql(): streams', () => {
  let database: Database;
  beforeAll(async () => {
    database = await Database.start();
  });
  afterAll(() => database.stop());
  afterEach(() => database.closeClients());

  it.each([
    ['that flows', ROWS],
    ['that waits for the server', SLOW],
  ])('destroys a stream %s, and kills its query', async (_, sql) => {
    const { registry } = await startKilling();
    const pool = database.pool({ connectionLimit: 1 });
    let count = 0;
    const operation = await database.begun(registry, 'FROM mysql.help_topic', async () => {
      for await (const _row of pool.query(sql).stream()) count++;
    });
    operation.cancel({ message: 'stop pressed' });
    const error = await rejection(operation.result);
    expect(error).toBe(operation.cancelation);
    expect(error.cause).toMatchObject({ name: 'AbortError', message: 'stop pressed' });
    await database.runs('FROM mysql.help_topic', 0);
    expect((await pool.promise().query('SELECT 1 AS one'))[0]).toEqual([{ one: 1 }]);
    expect(count).toBeGreaterThanOrEqual(0);
  });

  it('destroys a stream that nobody reads', async () => {
    const { registry } = await startKilling();
    const connection = await database.connection();
    const { connection: raw } = connection as any;
    const operation = await database.begun(registry, 'FROM mysql.help_topic', async () => {
      const stream = raw.query(ROWS).stream({ highWaterMark: 1 });
      await once(stream, 'error');
      expect(stream.destroyed).toBe(true);
      throw stream.errored;
    });
    operation.cancel();
    expect(await rejection(operation.result)).toBe(operation.cancelation);
    expect((await connection.query('SELECT 1 AS one'))[0]).toEqual([{ one: 1 }]);
    await database.idle();
  });

  it('ends no process where nobody listens for errors', async () => {
    const { registry } = await startKilling();
    const { connection } = (await database.connection()) as any;
    const ended = (emitter: NodeJS.EventEmitter, event: string) =>
      new Promise<void>((resolve) => emitter.on(event, () => resolve()));
    const operation = await database.begun(registry, 'FROM mysql.help_topic', () => {
      const stream = connection.query(SLOW).stream();
      stream.resume();
      return Promise.all([ended(stream, 'close'), ended(connection.query(SLOW), 'end')]);
    });
    operation.cancel();
    await operation.result.catch(() => {});
    await database.runs('FROM mysql.help_topic', 0);
    const refused = registry.spawn({ name: 'late', settle: 'wait' }, (operation) => {
      operation.cancel();
      return ended(connection.query(SLOW), 'end');
    });
    await refused.result.catch(() => {});
    expect((await connection.promise().query('SELECT 1 AS one'))[0]).toEqual([{ one: 1 }]);
  });

  it('ends events of a connection that is paused', async () => {
    const { registry } = await startKilling();
    const { connection } = (await database.connection()) as any;
    const operation = await database.begun(registry, 'FROM mysql.help_topic', async () => {
      const rows = connection.query(ROWS);
      rows.on('result', () => connection.pause());
      throw await new Promise((resolve) => rows.on('error', resolve));
    });
    operation.cancel();
    expect(await rejection(operation.result)).toBe(operation.cancelation);
    expect((await connection.promise().query('SELECT 1 AS one'))[0]).toEqual([{ one: 1 }]);
  });

  it('fails a stream that waits for a connection of its pool', async () => {
    const { registry } = await startKilling();
    const pool = database.pool({ connectionLimit: 1 });
    const held = await pool.promise().getConnection();
    const operation = registry.spawn({ name: 'waits', settle: 'wait' }, async () => {
      for await (const _row of pool.query(SLOW).stream()) throw new Error('a row');
    });
    await Promise.resolve();
    operation.cancel();
    expect(await rejection(operation.result)).toBe(operation.cancelation);
    held.release();
    await database.idle();
  });

  it('leaves a stream outside of an operation alone', async () => {
    const { registry } = await startKilling();
    const { connection } = (await database.connection()) as any;
    const stream = connection.query('SELECT help_topic_id FROM mysql.help_topic').stream();
    const count = Number(await database.value('SELECT COUNT(*) FROM mysql.help_topic'));
    registry.cancelAll({});
    let rows = 0;
    for await (const _row of stream) rows++;
    expect(rows).toBe(count);
  });
});
