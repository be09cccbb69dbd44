import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { createPoolCluster } from 'mysql2';
import { tryCurrentOperation } from 'nestjs-cancelable';
import { deferred, rejection } from '../support/deferred.js';
import { describeWith } from '../support/servers.js';
import { Database, startKilling } from './harness.js';

describeWith(['mariadb'], 'mysql(): pools', () => {
  let database: Database;
  beforeAll(async () => {
    database = await Database.start();
  });
  afterAll(() => database.stop());
  afterEach(() => database.closeClients());

  const sizes = (pool: any): number[] => [
    pool._allConnections.length,
    pool._freeConnections.length,
  ];

  it.each([
    ['query()', (pool: any) => pool.query('SELECT SLEEP(60)')],
    ['execute()', (pool: any) => pool.execute('SELECT SLEEP(?)', [60])],
  ])('kills %s, and its connection goes back', async (_, ask) => {
    const { registry } = await startKilling();
    const pool = database.pool({ connectionLimit: 1 });
    const [rows] = await pool.promise().query('SELECT CONNECTION_ID() AS id');
    const operation = await database.begun(registry, 'SLEEP', () => ask(pool.promise()));
    operation.cancel();
    expect(await rejection(operation.result)).toBe(operation.cancelation);
    expect(sizes(pool)).toEqual([1, 1]);
    expect((await pool.promise().query('SELECT CONNECTION_ID() AS id'))[0]).toEqual(rows);
  });

  it.each([
    ['getConnection()', (pool: any) => pool.getConnection()],
    ['query()', (pool: any) => pool.query('SELECT 1')],
    ['execute()', (pool: any) => pool.execute('SELECT 1')],
  ])('lets go who waits for a connection: %s', async (_, ask) => {
    const { registry } = await startKilling();
    const pool = database.pool({ connectionLimit: 1, queueLimit: 1 });
    const held = await pool.promise().getConnection();
    const operation = registry.spawn({ name: 'waits', settle: 'wait' }, () => ask(pool.promise()));
    await Promise.resolve();
    operation.cancel({ message: 'stop pressed' });
    const error = await rejection(operation.result);
    expect(error).toBe(operation.cancelation);
    expect(error.cause).toMatchObject({ name: 'AbortError', message: 'stop pressed' });
    // Its place in the queue is free again.
    const next = pool.promise().query('SELECT 1 AS one');
    held.release();
    expect((await next)[0]).toEqual([{ one: 1 }]);
    expect(sizes(pool)).toEqual([1, 1]);
  });

  it('gives back a connection that comes too late', async () => {
    const { registry } = await startKilling();
    const pool = database.pool({ connectionLimit: 1 });
    // It is being opened.
    const opening = registry.spawn({ name: 'opens', settle: 'wait' }, () =>
      pool.promise().getConnection(),
    );
    await Promise.resolve();
    opening.cancel();
    expect(await rejection(opening.result)).toBe(opening.cancelation);
    await pool.promise().query('SELECT 1');
    expect(sizes(pool)).toEqual([1, 1]);
    // It is free, and on its way.
    const taking = registry.spawn({ name: 'takes', settle: 'wait' }, (operation) => {
      const taken = pool.promise().getConnection();
      operation.cancel();
      return taken;
    });
    expect(await rejection(taking.result)).toBe(taking.cancelation);
    expect(sizes(pool)).toEqual([1, 1]);
    await pool.promise().query('SELECT 1');
  });

  it('calls back where the caller was, whoever gave the connection back', async () => {
    const { registry } = await startKilling();
    const pool = database.pool({ connectionLimit: 1 });
    const name = () => tryCurrentOperation()?.name;
    const take = () =>
      new Promise<unknown>((resolve) => {
        pool.getConnection((_error, connection) => {
          const called = name();
          connection.query('SELECT 1', () => {
            resolve([called, name()]);
            connection.release();
          });
        });
      });
    const release = deferred();
    const holder = registry.spawn('holder', async (operation) => {
      const connection = await pool.promise().getConnection();
      await release.promise;
      connection.release();
      await operation.sleep('1h');
    });
    await Promise.resolve();
    const outside = take();
    const inside = registry.run('inside', take);
    const query = new Promise((resolve) => pool.query('SELECT 1', () => resolve(name())));
    release.resolve();
    expect(await outside).toEqual([undefined, undefined]);
    expect(await inside).toEqual(['inside', 'inside']);
    expect(await query).toBeUndefined();
    holder.cancel();
    await rejection(holder.result);
  });

  it('never kills a query that a callback of somebody else has begun', async () => {
    const { registry } = await startKilling();
    const pool = database.pool({ connectionLimit: 1 });
    const release = deferred();
    const holder = registry.spawn('holder', async (operation) => {
      const connection = await pool.promise().getConnection();
      await release.promise;
      connection.release();
      await operation.sleep('1h');
    });
    const innocent = new Promise((resolve, reject) => {
      pool.getConnection((_error, connection) => {
        connection.query('SELECT SLEEP(0.4) + 5 AS five', (error, rows) => {
          connection.release();
          if (error) reject(error);
          else resolve(rows);
        });
      });
    });
    release.resolve();
    await database.runs('SLEEP(0.4)');
    holder.cancel();
    await rejection(holder.result);
    expect(await innocent).toEqual([{ five: 5 }]);
  });

  it('sets a new connection up outside of the operation that asked for it', async () => {
    const { registry } = await startKilling();
    const pool = database.pool({ connectionLimit: 1 });
    const names: unknown[] = [];
    pool.on('connection', (connection) => {
      names.push(tryCurrentOperation()?.name);
      connection.query("SET SESSION time_zone = '+00:00'");
    });
    await registry.run('first', () => pool.promise().query('SELECT 1'));
    expect(names).toEqual([undefined]);
  });

  it('runs what cleans up over the pool in a scope that is canceled', async () => {
    const { registry } = await startKilling();
    const pool = database.promisePool({ connectionLimit: 1 });
    const operation = registry.spawn({ name: 'work', settle: 'wait' }, async (operation) => {
      operation.cancel();
      return (await pool.query("SELECT RELEASE_LOCK('none') AS released"))[0];
    });
    expect(await operation.result).toEqual([{ released: null }]);
  });

  it('leaves the nodes of a cluster as good as they are', async () => {
    const { registry } = await startKilling();
    const cluster = createPoolCluster({ removeNodeErrorCount: 1, canRetry: true });
    database.closeLater(() => cluster.end());
    const removed: unknown[] = [];
    cluster.on('remove', (node) => removed.push(node));
    cluster.add('one', { ...database.options, connectionLimit: 1 });
    const get = () =>
      new Promise<any>((resolve, reject) => {
        cluster.getConnection('one', (error, connection) =>
          error ? reject(error) : resolve(connection),
        );
      });
    const held = await get();
    const operations = Array.from({ length: 10 }, () =>
      registry.spawn({ name: 'waits', settle: 'wait' }, get),
    );
    await Promise.resolve();
    for (const operation of operations) operation.cancel();
    for (const operation of operations) {
      expect(await rejection(operation.result)).toBe(operation.cancelation);
    }
    expect(removed).toEqual([]);
    const running = registry.spawn({ name: 'report', settle: 'wait' }, async () => {
      const connection = await get();
      try {
        return await connection.promise().query('SELECT SLEEP(60)');
      } finally {
        connection.release();
      }
    });
    running.result.catch(() => {});
    held.release();
    await database.runs('SLEEP(60)');
    running.cancel();
    expect(await rejection(running.result)).toBe(running.cancelation);
    const connection = await get();
    expect((await connection.promise().query('SELECT 1 AS one'))[0]).toEqual([{ one: 1 }]);
    connection.release();
  });
});
