import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { currentOperation, tryCurrentOperation } from 'nestjs-cancelable';
import { deferred, rejection } from '../support/deferred.js';
import { describeWith } from '../support/servers.js';
import { Database, startKilling } from './harness.js';

describeWith(['mariadb'], 'mysql(): queries', () => {
  let database: Database;
  beforeAll(async () => {
    database = await Database.start();
    await database.value(
      'CREATE TABLE test.notes (id INT PRIMARY KEY, text VARCHAR(20)) ENGINE=InnoDB',
    );
  });
  afterAll(() => database.stop());
  afterEach(() => database.closeClients());

  it.each([
    ['query()', (c: any) => c.query('SELECT SLEEP(60)')],
    ['query() with values', (c: any) => c.query('SELECT SLEEP(?)', [60])],
    ['query() of an object', (c: any) => c.query({ sql: 'SELECT SLEEP(60)', rowsAsArray: true })],
    ['execute()', (c: any) => c.execute('SELECT SLEEP(60)')],
    ['execute() with values', (c: any) => c.execute('SELECT SLEEP(?)', [60])],
    ['a prepared statement', async (c: any) => (await c.prepare('SELECT SLEEP(?)')).execute([60])],
    [
      'a query that ends with rows',
      (c: any) => c.query('SELECT BENCHMARK(10e9, SHA2(RAND(), 512))'),
    ],
    ['a statement that ends well', (c: any) => c.query('DO SLEEP(60)')],
    ['a sort', (c: any) => c.query('SELECT SLEEP(60) FROM mysql.help_topic ORDER BY 1')],
    ['a transaction', (c: any) => c.beginTransaction().then(() => c.query('SELECT SLEEP(60)'))],
  ])('kills %s on the server, and the connection goes on', async (_, ask) => {
    const { registry } = await startKilling();
    const connection = await database.connection();
    const id = connection.threadId;
    const operation = registry.spawn({ name: 'report', settle: 'wait' }, () => ask(connection));
    operation.result.catch(() => {});
    await anyRuns();
    const began = performance.now();
    operation.cancel({ message: 'stop pressed' });
    const error = await rejection(operation.result);
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(error).toBe(operation.cancelation);
    expect(operation.status).toBe('canceled');
    expect(['ER_QUERY_INTERRUPTED', 'ABORT_ERR']).toContain(error.cause.code);
    await database.idle();
    expect(await valueOf(connection, 'SELECT CONNECTION_ID()')).toBe(id);
  });

  const anyRuns = async () => {
    while ((await database.running()).length !== 1);
  };
  const valueOf = async (connection: any, sql: string): Promise<unknown> => {
    const [rows] = await connection.query(sql);
    return Object.values(rows[0])[0];
  };

  it('keeps the error of the library as the cause', async () => {
    const { registry } = await startKilling();
    const connection = await database.connection();
    const operation = await database.begun(registry, 'SLEEP(60)', () =>
      connection.query('SELECT SLEEP(60) FROM mysql.help_topic'),
    );
    operation.cancel();
    const error = await rejection(operation.result);
    expect(error.cause).toMatchObject({ code: 'ER_QUERY_INTERRUPTED', errno: 1317 });
  });

  it('never lets a query that was cut short look like a success', async () => {
    const { registry } = await startKilling();
    const connection = await database.connection();
    const seen = deferred<unknown>();
    const operation = await database.begun(registry, 'SLEEP(60)', async () => {
      seen.resolve(
        await connection.query('DO SLEEP(60)').then(
          () => 'a result',
          (error) => error,
        ),
      );
    });
    operation.cancel({ message: 'stop pressed' });
    expect(await seen.promise).toMatchObject({ name: 'AbortError', message: 'stop pressed' });
  });

  it('gives the result of a query that had ended before it could be killed', async () => {
    const { registry } = await startKilling();
    const connection = await database.connection();
    const operation = registry.spawn({ name: 'quick', settle: 'wait' }, async (operation) => {
      const answered = connection.query('SELECT 42 AS answer');
      // The second connection takes longer than this query.
      operation.cancel();
      return (await answered)[0];
    });
    const outcome = await operation.result.catch((error: unknown) => error);
    expect([operation.cancelation, [{ answer: 42 }]]).toContainEqual(outcome);
    await database.idle();
  });

  it('drops what waits for its connection, without sending it', async () => {
    const { registry } = await startKilling();
    const connection = await database.connection();
    const outside = connection.query("SELECT GET_LOCK('held', 10), SLEEP(0.2)");
    const operation = registry.spawn({ name: 'writes', settle: 'wait' }, () =>
      Promise.allSettled([
        connection.query("INSERT INTO notes VALUES (1, 'dropped')"),
        connection.execute("INSERT INTO notes VALUES (2, 'dropped')"),
        connection.query("INSERT INTO notes VALUES (3, 'dropped')"),
      ]),
    );
    await Promise.resolve();
    operation.cancel({ message: 'stop pressed' });
    const results: any = await operation.result.catch((error: unknown) => error);
    expect(results).toHaveLength(3);
    for (const { reason } of results) {
      expect(reason).toMatchObject({ name: 'AbortError', message: 'stop pressed' });
    }
    await outside;
    expect(await valueOf(connection, 'SELECT COUNT(*) FROM notes')).toBe(0);
  });

  it('lets what others have queued on the same connection run', async () => {
    const { registry } = await startKilling();
    const connection = await database.connection();
    const operation = await database.begun(registry, 'SLEEP(60)', () =>
      connection.query('SELECT SLEEP(60)'),
    );
    const innocent = [connection.query('SELECT 1 AS one'), connection.execute('SELECT 2 AS two')];
    operation.cancel();
    await rejection(operation.result);
    const answers = await Promise.all(innocent);
    expect(answers.map(([rows]) => rows)).toEqual([[{ one: 1 }], [{ two: 2 }]]);
  });

  it('refuses queries of a scope that is canceled, but not in a shield or a cleanup', async () => {
    const { registry } = await startKilling();
    const pool = database.promisePool();
    const connection = await database.connection();
    const answers: any[] = [];
    const operation = registry.spawn({ name: 'work', settle: 'wait' }, async (operation) => {
      operation.defer(async () => answers.push((await connection.query('SELECT 1 AS one'))[0]));
      operation.cancel();
      for (const refused of [
        () => connection.query('SELECT 1'),
        () => connection.execute('SELECT 1'),
        () => connection.prepare('SELECT 1'),
        () => connection.query('COMMIT'),
        () => connection.commit(),
        () => connection.beginTransaction(),
        () => pool.query('SELECT 1'),
        () => pool.execute('SELECT 1'),
        () => pool.getConnection(),
      ]) {
        answers.push(await rejection(refused()));
      }
      await operation.shield(async () => answers.push((await pool.query('SELECT 2 AS two'))[0]));
      operation.token.throwIfCanceled();
    });
    expect(await rejection(operation.result)).toBe(operation.cancelation);
    expect(answers.splice(0, 9).map(({ name }) => name)).toEqual(Array(9).fill('AbortError'));
    expect(answers).toEqual([[{ two: 2 }], [{ one: 1 }]]);
  });

  it('does not kill in a shield', async () => {
    const { registry } = await startKilling();
    const connection = await database.connection();
    const done = deferred<unknown>();
    const operation = await database.begun(registry, 'SLEEP(0.3)', () =>
      currentOperation().shield(async () =>
        done.resolve(await valueOf(connection, 'SELECT SLEEP(0.3) + 7')),
      ),
    );
    operation.cancel();
    expect(await done.promise).toBe(7);
  });

  it.each([
    'ROLLBACK',
    ' /* a comment */ rollback',
    '-- a comment\nROLLBACK WORK',
    'ROLLBACK TO here',
    'RELEASE SAVEPOINT here',
    'UNLOCK TABLES',
    "SELECT RELEASE_LOCK('held')",
    'DO RELEASE_ALL_LOCKS()',
    'DEALLOCATE PREPARE made',
    'DROP TEMPORARY TABLE IF EXISTS scratch',
    'KILL QUERY CONNECTION_ID()',
  ])('runs %s in a scope that is canceled', async (sql) => {
    const { registry } = await startKilling();
    const connection = await database.connection();
    const operation = registry.spawn({ name: 'work', settle: 'wait' }, async (operation) => {
      await connection.query("PREPARE made FROM 'SELECT 1'");
      await connection.beginTransaction();
      await connection.query('SAVEPOINT here');
      operation.cancel();
      return connection.query(sql).then(
        () => 'done',
        (error) => error.code,
      );
    });
    const outcome = await operation.result.catch(({ cause }) => cause?.code);
    expect(outcome).toBe(sql.startsWith('KILL') ? 'ER_QUERY_INTERRUPTED' : 'done');
  });

  it('takes several statements that begin with a ROLLBACK for what they are', async () => {
    const { registry } = await startKilling();
    const connection = await database.connection({ multipleStatements: true });
    const operation = registry.spawn({ name: 'work', settle: 'wait' }, async (operation) => {
      operation.cancel();
      await connection.query('ROLLBACK;');
      return rejection(connection.query('ROLLBACK; SELECT SLEEP(60)'));
    });
    expect(await operation.result).toMatchObject({ name: 'AbortError' });
  });

  it('leaves a COMMIT that has begun alone', async () => {
    const { registry } = await startKilling();
    const connection = await database.connection();
    await database.value("INSERT INTO test.notes VALUES (10, 'before')");
    const operation = registry.spawn({ name: 'work', settle: 'wait' }, async (operation) => {
      await connection.beginTransaction();
      await connection.query("UPDATE notes SET text = 'after' WHERE id = 10");
      const committed = connection.commit();
      operation.cancel();
      await committed;
      return 'committed';
    });
    expect(await operation.result).toBe('committed');
    expect(await database.value('SELECT text FROM test.notes WHERE id = 10')).toBe('after');
  });

  it.each([
    ['query', (c: any) => c.query('COMMIT')],
    ['execute', (c: any) => c.execute('COMMIT')],
    ['commit', (c: any) => c.commit()],
  ])('rolls back in place of a COMMIT that comes too late: %s', async (_, commit) => {
    const { registry } = await startKilling();
    const connection = await database.connection();
    const operation = registry.spawn({ name: 'work', settle: 'wait' }, async (operation) => {
      await connection.beginTransaction();
      await connection.query("INSERT INTO notes VALUES (15, 'undone')");
      operation.cancel();
      await commit(connection);
    });
    expect(await rejection(operation.result)).toBe(operation.cancelation);
    await connection.beginTransaction();
    expect(await valueOf(connection, 'SELECT COUNT(*) FROM notes WHERE id = 15')).toBe(0);
  });

  it('rolls back in place of a COMMIT that still waits for its turn', async () => {
    const { registry } = await startKilling();
    const connection = await database.connection();
    const operation = registry.spawn({ name: 'work', settle: 'wait' }, (operation) => {
      const all = Promise.all([
        connection.beginTransaction(),
        connection.query("INSERT INTO notes VALUES (16, 'undone')"),
        connection.commit(),
      ]);
      operation.cancel();
      return all;
    });
    expect(await rejection(operation.result)).toBe(operation.cancelation);
    await connection.beginTransaction();
    expect(await valueOf(connection, 'SELECT COUNT(*) FROM notes WHERE id = 16')).toBe(0);
  });

  it.each([
    ['refused', 0],
    ['dropped', 1],
  ])('calls back once: %s', async (_, ahead) => {
    const { registry } = await startKilling();
    const { connection } = (await database.connection()) as any;
    const calls: unknown[] = [];
    const operation = registry.spawn({ name: 'work', settle: 'wait' }, async (operation) => {
      if (ahead === 0) operation.cancel();
      else connection.query('DO SLEEP(0.05)');
      const note = (error: Error) => calls.push(error.name);
      connection.execute('SELECT 1', note);
      connection.execute('SELECT ?', [2], note);
      connection.query('SELECT 3', note);
      operation.cancel();
    });
    await operation.result.catch(() => {});
    await valueOf(connection.promise(), 'SELECT 1');
    expect(calls).toEqual(['AbortError', 'AbortError', 'AbortError']);
    expect(await valueOf(connection.promise(), 'SELECT 2 AS two')).toBe(2);
  });

  it('lets a transaction be rolled back by whoever began it', async () => {
    const { registry } = await startKilling();
    const pool = database.promisePool({ connectionLimit: 1 });
    const operation = await database.begun(registry, 'SLEEP(60)', async () => {
      const connection = await pool.getConnection();
      try {
        await connection.beginTransaction();
        await connection.query("INSERT INTO notes VALUES (20, 'undone')");
        await connection.query('SELECT SLEEP(60)');
        await connection.commit();
      } catch (error) {
        await connection.rollback();
        throw error;
      } finally {
        connection.release();
      }
    });
    operation.cancel();
    expect(await rejection(operation.result)).toBe(operation.cancelation);
    expect(await valueOf(pool, 'SELECT COUNT(*) FROM notes WHERE id = 20')).toBe(0);
    expect(await database.value('SELECT COUNT(*) FROM information_schema.INNODB_TRX')).toBe(0);
  });

  it('kills a query that waits for the lock of a row', async () => {
    const { registry } = await startKilling();
    const holder = await database.connection();
    const connection = await database.connection();
    await database.value("REPLACE INTO test.notes VALUES (30, 'locked')");
    await holder.beginTransaction();
    await holder.query("UPDATE notes SET text = 'held' WHERE id = 30");
    const sql = "UPDATE notes SET text = 'wanted' WHERE id = 30";
    const operation = await database.begun(registry, 'wanted', () => connection.query(sql));
    operation.cancel();
    expect((await rejection(operation.result)).cause).toMatchObject({ errno: 1317 });
    await holder.commit();
    expect(await database.value('SELECT text FROM test.notes WHERE id = 30')).toBe('held');
  });

  it('keeps what really failed', async () => {
    const { registry } = await startKilling();
    const connection = await database.connection();
    const operation = registry.spawn({ name: 'work', settle: 'wait' }, async (operation) => {
      const failed = connection.query('SELECT nonsense');
      operation.cancel();
      return failed;
    });
    expect(await rejection(operation.result)).toMatchObject({ code: 'ER_BAD_FIELD_ERROR' });
  });

  it('calls back where the caller was, whoever opened the connection', async () => {
    const { registry } = await startKilling();
    const opened = deferred<any>();
    const first = registry.spawn('first', async (operation) => {
      opened.resolve(await database.connection());
      await operation.sleep('1h');
    });
    const connection = (await opened.promise).connection;
    const ask = () =>
      new Promise<unknown[]>((resolve) => {
        const names: unknown[] = [];
        const note = () => names.push(tryCurrentOperation()?.name);
        connection.query('SELECT 1', () => {
          note();
          connection.execute('SELECT 1', () => {
            note();
            connection.ping(() => {
              note();
              connection
                .query('SELECT 1')
                .on('result', note)
                .on('end', () => resolve(names));
            });
          });
        });
      });
    expect(await ask()).toEqual([undefined, undefined, undefined, undefined]);
    expect(await registry.run('second', ask)).toEqual(Array(4).fill('second'));
    first.cancel();
    expect(await ask()).toEqual([undefined, undefined, undefined, undefined]);
    await rejection(first.result);
  });
});
