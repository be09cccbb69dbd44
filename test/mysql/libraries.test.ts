import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import knexOf from 'knex';
import type { Operation } from 'nestjs-cancelable';
import { DataSource, EntitySchema } from 'typeorm';
import { rejection } from '../support/deferred.js';
import { describeWith } from '../support/servers.js';
import { Database, startKilling } from './harness.js';

const Note = new EntitySchema<{ id: number; text: string }>({
  name: 'Note',
  tableName: 'notes',
  columns: { id: { type: Number, primary: true }, text: { type: String } },
});
const SLEEPING = 'SELECT SLEEP(60) FROM mysql.help_topic';

describeWith(['mariadb'], 'mysql() below other libraries', () => {
  let database: Database;
  beforeAll(async () => {
    database = await Database.start();
    await database.value('CREATE TABLE test.notes (id INT PRIMARY KEY, text VARCHAR(20))');
  });
  afterAll(() => database.stop());
  afterEach(() => database.closeClients());

  const typeorm = async () => {
    const { host, port, user, database: name } = database.options;
    const source = new DataSource({
      type: 'mariadb',
      host,
      port,
      username: user,
      database: name,
      entities: [Note],
      poolSize: 1,
    });
    await source.initialize();
    database.closeLater(() => source.destroy());
    return source;
  };
  const knex = (max = 1) => {
    const made = knexOf({ client: 'mysql2', connection: database.options, pool: { min: 0, max } });
    database.closeLater(() => made.destroy());
    return made;
  };
  const stopped = async (operation: Operation) => {
    operation.cancel();
    const error = await rejection(operation.result);
    expect(error).toBe(operation.cancelation);
    await database.idle();
    return error;
  };

  it('kills a query of TypeORM, and its one connection goes on', async () => {
    const { registry } = await startKilling();
    const source = await typeorm();
    const operation = await database.begun(registry, 'SLEEP', () => source.query(SLEEPING));
    const error = await stopped(operation);
    expect(error.cause).toMatchObject({ name: 'QueryFailedError', code: 'ER_QUERY_INTERRUPTED' });
    expect(await source.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('kills a query builder of TypeORM that ends with rows', async () => {
    const { registry } = await startKilling();
    const source = await typeorm();
    const operation = await database.begun(registry, 'BENCHMARK', () =>
      source
        .createQueryBuilder()
        .select('BENCHMARK(10e9, SHA2(RAND(), 512))')
        .from('(SELECT 1)', 'one')
        .getRawMany(),
    );
    await stopped(operation);
  });

  it('lets TypeORM roll back', async () => {
    const { registry } = await startKilling();
    const source = await typeorm();
    const operation = await database.begun(registry, 'SLEEP', () =>
      source.transaction(async (manager) => {
        await manager.insert(Note, { id: 1, text: 'undone' });
        await manager.query(SLEEPING);
      }),
    );
    await stopped(operation);
    expect(await source.getRepository(Note).count()).toBe(0);
  });

  it('lets go who waits for a connection of TypeORM, and refuses what comes later', async () => {
    const { registry } = await startKilling();
    const source = await typeorm();
    const held = source.createQueryRunner();
    await held.connect();
    const waiting = registry.spawn({ name: 'waits', settle: 'wait' }, () =>
      source.getRepository(Note).find(),
    );
    await Promise.resolve();
    await stopped(waiting);
    await held.release();
    const late = registry.spawn({ name: 'late', settle: 'wait' }, async (operation) => {
      operation.cancel();
      return source.getRepository(Note).find();
    });
    expect(await rejection(late.result)).toBe(late.cancelation);
    expect(await source.getRepository(Note).find()).toEqual([]);
  });

  it('destroys a stream of TypeORM', async () => {
    const { registry } = await startKilling();
    const source = await typeorm();
    const operation = await database.begun(registry, 'SLEEP', async () => {
      const runner = source.createQueryRunner();
      try {
        for await (const _row of await runner.stream(SLEEPING)) throw new Error('a row');
      } finally {
        await runner.release();
      }
    });
    operation.cancel();
    expect(await rejection(operation.result)).toBe(operation.cancelation);
    await database.runs('SLEEP', 0);
    expect(await source.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('kills a query of Knex, and its one connection goes on', async () => {
    const { registry } = await startKilling();
    const db = knex();
    const [[before]] = await db.raw('SELECT CONNECTION_ID() AS id');
    const operation = await database.begun(registry, 'SLEEP', async () => db.raw(SLEEPING));
    const error = await stopped(operation);
    expect(error.cause).toMatchObject({ code: 'ER_QUERY_INTERRUPTED' });
    const [[after]] = await db.raw('SELECT CONNECTION_ID() AS id');
    expect(after).toEqual(before);
  });

  it('lets Knex roll back', async () => {
    const { registry } = await startKilling();
    const db = knex();
    const operation = await database.begun(registry, 'SLEEP', () =>
      db.transaction(async (transaction) => {
        await transaction('notes').insert({ id: 2, text: 'undone' });
        await transaction.raw(SLEEPING);
      }),
    );
    await stopped(operation);
    expect(await db('notes').count({ count: '*' })).toEqual([{ count: 0 }]);
  });

  it('leaves no transaction of Knex open that could not be committed', async () => {
    const { registry } = await startKilling();
    const db = knex();
    const operation = registry.spawn({ name: 'late', settle: 'wait' }, (operation) =>
      db.transaction(async (transaction) => {
        await transaction('notes').insert({ id: 3, text: 'undone' });
        operation.cancel();
      }),
    );
    expect(await rejection(operation.result)).toBe(operation.cancelation);
    await db.transaction((transaction) => transaction('notes').select());
    expect(await db('notes').count({ count: '*' })).toEqual([{ count: 0 }]);
  });

  it('destroys a stream of Knex', async () => {
    const { registry } = await startKilling();
    const db = knex();
    const operation = await database.begun(registry, 'help_topic', async () => {
      for await (const _row of db.select(db.raw('SLEEP(60)')).from('mysql.help_topic').stream())
        throw new Error('a row');
    });
    operation.cancel();
    expect(await rejection(operation.result)).toBe(operation.cancelation);
    await database.runs('help_topic', 0);
    expect(await db.select(db.raw('1 AS one'))).toEqual([{ one: 1 }]);
  });

  it('refuses a query of Knex that has waited for its connection in vain', async () => {
    const { registry } = await startKilling();
    const db = knex();
    const holder = await database.begun(registry, 'SLEEP', async () => db.raw(SLEEPING));
    const waiting = registry.spawn({ name: 'waits', settle: 'wait' }, async () =>
      db('notes').select(),
    );
    await Promise.resolve();
    waiting.cancel();
    await stopped(holder);
    expect(await rejection(waiting.result)).toBe(waiting.cancelation);
  });
});
