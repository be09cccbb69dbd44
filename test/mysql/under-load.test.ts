import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { deferred, rejection } from '../support/deferred.js';
import { randomNumbers } from '../support/random.js';
import { describeWith } from '../support/servers.js';
import { Database, startKilling } from './harness.js';

const QUERIES = 2_000;
const ROUNDS = 300;

describeWith(['mariadb'], 'mysql() under load', () => {
  let database: Database;
  beforeAll(async () => {
    database = await Database.start();
  });
  afterAll(() => database.stop());
  afterEach(() => database.closeClients());

  it('never hits an innocent query, loses none, and leaves none behind', async () => {
    const { registry, log } = await startKilling();
    const pool = database.pool({ connectionLimit: 5 });
    const promises = pool.promise();
    const random = randomNumbers(11);
    const counts = { canceled: 0, completed: 0, innocent: 0 };
    const texts = ['SELECT ? AS n', 'SELECT ? + SLEEP(0.002) AS n', 'DO ? + SLEEP(0.001)'];
    let left = QUERIES;
    let stop = false;
    const cancelOne = async () => {
      const text = texts[Math.floor(random() * texts.length)]!;
      const n = left;
      const operation = registry.spawn({ name: 'short', settle: 'wait' }, async () => {
        const [rows] = await (random() < 0.5
          ? promises.query(text, [n])
          : promises.execute(text, [n]));
        return rows;
      });
      const settled = operation.result.then(
        (rows: any) => {
          if (Array.isArray(rows)) expect(Number(rows[0].n)).toBe(n);
          counts.completed++;
        },
        (error) => {
          expect(error).toBe(operation.cancelation);
          counts.canceled++;
        },
      );
      for (let turns = Math.floor(random() * 12); turns > 0; turns--) {
        await new Promise(setImmediate);
      }
      operation.cancel();
      await settled;
    };
    const cancel = async () => {
      while (left-- > 0) await cancelOne();
    };
    const innocent = async () => {
      while (!stop) {
        const n = counts.innocent++;
        const [rows] = await (random() < 0.5
          ? promises.query('SELECT ? + SLEEP(0.001) AS n', [n])
          : promises.execute('SELECT ? AS n', [n]));
        expect(Number((rows as any)[0].n)).toBe(n);
      }
    };
    const innocents = [innocent(), innocent(), innocent()];
    await Promise.all(Array.from({ length: 6 }, cancel));
    stop = true;
    await Promise.all(innocents);
    expect(counts.canceled + counts.completed).toBe(QUERIES);
    expect(counts.canceled).toBeGreaterThan(QUERIES / 12);
    expect(counts.innocent).toBeGreaterThan(QUERIES / 12);
    expect(log.find('warn', '')).toEqual([]);
    expect((pool as any)._allConnections.length).toBe(5);
    expect((pool as any)._freeConnections.length).toBe(5);
    expect((pool as any)._connectionQueue.length).toBe(0);
    await database.idle();
  }, 120_000);

  it('never hits the next query of the same connection', async () => {
    const { registry } = await startKilling();
    const connection = await database.connection();
    const random = randomNumbers(12);
    for (let round = 0; round < ROUNDS; round++) {
      const operation = registry.spawn({ name: 'short', settle: 'wait' }, () =>
        connection.query('SELECT SLEEP(0.001)'),
      );
      operation.result.catch(() => {});
      const next = connection.query('SELECT ? + SLEEP(0.001) AS n', [round]);
      for (let turns = Math.floor(random() * 30); turns > 0; turns--) {
        await new Promise(setImmediate);
      }
      operation.cancel();
      expect(Number(((await next) as any)[0][0].n)).toBe(round);
      await operation.result.catch(() => {});
    }
  }, 120_000);

  it('opens one connection for the queries of a whole pool, and closes it afterwards', async () => {
    const { registry } = await startKilling();
    const pool = database.promisePool({ connectionLimit: 100 });
    const before = await connections();
    const operations = Array.from({ length: 100 }, () =>
      registry.spawn({ name: 'report', settle: 'wait' }, () => pool.query('SELECT SLEEP(60)')),
    );
    for (const { result } of operations) result.catch(() => {});
    await database.runs('SLEEP(60)', 100);
    for (const operation of operations) operation.cancel();
    for (const operation of operations) {
      expect(await rejection(operation.result)).toBe(operation.cancelation);
    }
    await database.runs('SLEEP(60)', 0);
    expect((await connections()) - before).toBe(101);
    while ((await database.processes()).length > 100);
  });

  const connections = async (): Promise<number> => {
    const observer = await database.observer();
    const [rows] = await observer.query("SHOW GLOBAL STATUS LIKE 'Connections'");
    return Number((rows as any)[0].Value);
  };

  it('ends what has lost its server', async () => {
    const { registry } = await startKilling();
    const pool = database.promisePool({ connectionLimit: 3 });
    const operations = Array.from({ length: 3 }, () =>
      registry.spawn({ name: 'report', settle: 'wait' }, () => pool.query('SELECT SLEEP(60)')),
    );
    const failures = operations.map(({ result }) => rejection(result));
    await database.runs('SLEEP(60)', 3);
    const killing = database.server.kill();
    for (const operation of operations) operation.cancel();
    await Promise.all(failures);
    await killing;
    await database.server.restart();
    database.forgetObserver();
    expect((await pool.query('SELECT 1 AS one'))[0]).toEqual([{ one: 1 }]);
    const again = await database.begun(registry, 'SLEEP(60)', () => pool.query('SELECT SLEEP(60)'));
    again.cancel();
    expect(await rejection(again.result)).toBe(again.cancelation);
  });

  it('closes the connection of a query that cannot be killed, and says so', async () => {
    const { registry, log } = await startKilling();
    const pool = database.promisePool({ connectionLimit: 1 });
    await database.value(
      "CREATE OR REPLACE USER limited@'%' IDENTIFIED BY 'secret' WITH MAX_USER_CONNECTIONS 1",
    );
    const limited = database.promisePool({
      user: 'limited',
      password: 'secret',
      database: 'information_schema',
      connectionLimit: 1,
    });
    const operation = await database.begun(registry, 'SLEEP(61)', () =>
      limited.query('SELECT SLEEP(61)'),
    );
    const innocent = deferred<unknown>();
    void pool.query('SELECT SLEEP(0.2) + 1 AS one').then(innocent.resolve, innocent.reject);
    operation.cancel();
    expect(await rejection(operation.result)).toBe(operation.cancelation);
    expect(log.find('warn', 'report')).toHaveLength(1);
    expect(log.find('warn', 'max_user_connections')).toHaveLength(1);
    await innocent.promise;
    for (const { ID } of await database.runs('SLEEP(61)')) await database.value(`KILL ${ID}`);
  });

  it('is told apart from other servers', async () => {
    const other = await Database.start();
    try {
      const { registry, log } = await startKilling();
      const { createConnection } = await import('mysql2');
      const { connect } = await import('node:net');
      let opened = 0;
      const connection = createConnection({
        ...database.options,
        // A balancer that leads to another server every other time.
        stream: () => connect((opened++ % 2 === 0 ? database : other).server.port, '127.0.0.1'),
      } as any);
      connection.on('error', () => {});
      const operation = await database.begun(registry, 'SLEEP(62)', () =>
        connection.promise().query('SELECT SLEEP(62)'),
      );
      operation.cancel();
      expect(await rejection(operation.result)).toBe(operation.cancelation);
      // It is killed by the second try, which leads to the right one again.
      expect(log.find('warn', 'another server')).toEqual([]);
      connection.destroy();
    } finally {
      await other.closeClients();
      await other.stop();
    }
  });
});
