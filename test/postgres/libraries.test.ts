import { describe, expect, it } from '@jest/globals';
import { MikroORM } from '@mikro-orm/postgresql';
import { drizzle } from 'drizzle-orm/node-postgres';
import { sql } from 'drizzle-orm';
import knexOf, { type Knex } from 'knex';
import pgPromise from 'pg-promise';
import postgres from 'postgres';
import { Sequelize } from 'sequelize';
import { DataSource } from 'typeorm';
import { rejection } from '../support/deferred.js';
import { closeAfterTest } from '../support/close-after-test.js';
import { ask, cancelOnceRunning, connection, newPool, start, usePostgres } from './support.js';

usePostgres();

/** A library, as an application has it: one connection, queries, transactions. */
interface Users {
  query(text: string): Promise<unknown>;
  /** @param last called before it is committed */
  transaction(texts: readonly string[], last?: () => void): Promise<unknown>;
}

const libraries: Record<string, () => Promise<Users>> = {
  TypeORM: async () => {
    const { host, port, user, password, database } = connection();
    const source = await new DataSource({
      ...{ type: 'postgres', host, port, username: user, password, database },
      ...{ poolSize: 1, logging: false },
    }).initialize();
    closeAfterTest(() => source.destroy());
    return {
      query: (text) => source.query(text),
      transaction: (texts, last) =>
        source.transaction(async (manager) => {
          for (const text of texts) await manager.query(text);
          last?.();
        }),
    };
  },
  Knex: async () => {
    const knex: Knex = knexOf({ client: 'pg', connection: connection(), pool: { min: 0, max: 1 } });
    closeAfterTest(() => knex.destroy());
    return {
      query: (text) => knex.raw(text).then(),
      transaction: (texts, last) =>
        knex.transaction(async (trx) => {
          for (const text of texts) await trx.raw(text);
          last?.();
        }),
    };
  },
  Drizzle: async () => {
    const database = drizzle(newPool({ max: 1 }));
    return {
      query: (text) => database.execute(sql.raw(text)),
      transaction: (texts, last) =>
        database.transaction(async (trx) => {
          for (const text of texts) await trx.execute(sql.raw(text));
          last?.();
        }),
    };
  },
  Sequelize: async () => {
    const { host, port, user, password, database } = connection();
    const sequelize = new Sequelize(database, user, password, {
      ...{ host, port, dialect: 'postgres', logging: false, pool: { min: 0, max: 1 } },
    });
    closeAfterTest(() => sequelize.close());
    return {
      query: (text) => sequelize.query(text),
      transaction: (texts, last) =>
        sequelize.transaction(async (transaction) => {
          for (const text of texts) await sequelize.query(text, { transaction });
          last?.();
        }),
    };
  },
  MikroORM: async () => {
    const { host, port, user, password, database } = connection();
    const orm = await MikroORM.init({
      ...{ host, port, user, password, dbName: database, pool: { min: 0, max: 1 } },
      ...{ entities: [], discovery: { warnWhenNoEntities: false } },
    });
    closeAfterTest(() => orm.close());
    return {
      query: (text) => orm.em.fork().getConnection().execute(text),
      transaction: (texts, last) =>
        orm.em.fork().transactional(async (manager) => {
          const within = manager.getTransactionContext();
          for (const text of texts) await manager.getConnection().execute(text, [], 'all', within);
          last?.();
        }),
    };
  },
  'postgres.js': async () => {
    const { user, ...rest } = connection();
    const database = postgres({ ...rest, username: user, max: 1, onnotice: () => {} });
    closeAfterTest(() => database.end());
    return {
      query: (text) => database.unsafe(text).then(),
      transaction: (texts, last) =>
        database.begin(async (trx) => {
          for (const text of texts) await trx.unsafe(text);
          last?.();
        }),
    };
  },
  'pg-promise': async () => {
    const library = pgPromise({ noWarnings: true });
    const database = library({ ...connection(), max: 1 });
    closeAfterTest(() => database.$pool.end());
    return {
      query: (text) => database.any(text),
      transaction: (texts, last) =>
        database.tx(async (task) => {
          for (const text of texts) await task.any(text);
          last?.();
        }),
    };
  },
};

describe.each(Object.entries(libraries))('%s', (name, open) => {
  it('has its query canceled on the server, and goes on with its connection', async () => {
    const registry = await start();
    const users = await open();
    const error = await cancelOnceRunning(registry, name, () =>
      users.query(`SELECT pg_sleep(3600) /* ${name} */`),
    );
    expect(error.cause).toHaveProperty('stack');
    expect(JSON.stringify(await users.query('SELECT 7 AS seven'))).toContain('7');
  });

  it('commits nothing once the operation is canceled', async () => {
    const registry = await start();
    const users = await open();
    const table = `late_${name.replace(/\W/g, '').toLowerCase()}`;
    await ask(`CREATE TABLE ${table} (id int)`);
    const work = registry.run({ name: 'report', settle: 'wait' }, (own) =>
      users.transaction([`INSERT INTO ${table} VALUES (1)`], () => own.cancel()),
    );
    expect(await rejection(work)).toMatchObject({ reason: 'manual' });
    await users.transaction([`INSERT INTO ${table} VALUES (2)`]);
    expect(await ask(`SELECT id FROM ${table}`)).toEqual([{ id: 2 }]);
    expect(await ask("SELECT pid FROM pg_stat_activity WHERE state LIKE 'idle in%'")).toEqual([]);
  });

  it('rolls its transaction back', async () => {
    const registry = await start();
    const users = await open();
    const table = `kept_${name.replace(/\W/g, '').toLowerCase()}`;
    await ask(`CREATE TABLE ${table} (id int)`);
    await cancelOnceRunning(registry, `${name} within`, () =>
      users.transaction([
        `INSERT INTO ${table} VALUES (1)`,
        `SELECT pg_sleep(3600) /* ${name} within */`,
      ]),
    );
    const late = registry.run({ name: 'report', settle: 'wait' }, async (own) => {
      await users.transaction([`INSERT INTO ${table} VALUES (2)`]).then(() => own.cancel());
      return users.transaction([`INSERT INTO ${table} VALUES (3)`]);
    });
    await rejection(late);
    await users.transaction([`INSERT INTO ${table} VALUES (4)`]);
    expect(await ask(`SELECT id FROM ${table} ORDER BY id`)).toEqual([{ id: 2 }, { id: 4 }]);
    expect(await ask("SELECT pid FROM pg_stat_activity WHERE state LIKE 'idle in%'")).toEqual([]);
  });
});
