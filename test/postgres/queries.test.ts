import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { postgres, type PostgresOptions } from 'nestjs-cancelable/postgres';
import pg from 'pg';
import { startContext } from '../support/app-context.js';
import { deferred, rejection } from '../support/deferred.js';
import { startProxy } from './proxy.js';
import { openOperation } from '../support/open-operation.js';
import {
  ask,
  cancelOnceRunning,
  newClient,
  newPool,
  running,
  slow,
  start,
  usePostgres,
} from './support.js';

usePostgres();

const code = (error: unknown) => (error as { code?: unknown }).code;

describe('a query of a canceled operation', () => {
  it.each<[string, (pool: pg.Pool, text: string) => Promise<unknown>]>([
    ['pool.query()', (pool, text) => pool.query(text)],
    ['pool.query() with values', (pool, text) => pool.query(`${text} WHERE $1 > 0`, [1])],
    ['a named statement', (pool, text) => pool.query({ name: 'slow', text })],
    [
      'a callback',
      (pool, text) =>
        new Promise((resolve, reject) => {
          pool.query(text, (error, result) => (error ? reject(error) : resolve(result)));
        }),
    ],
    [
      'a client of the pool',
      async (pool, text) => {
        const client = await pool.connect();
        try {
          return await client.query(text);
        } finally {
          client.release();
        }
      },
    ],
    [
      'a client that is given back with the error',
      async (pool, text) => {
        const client = await pool.connect();
        let failure: Error | undefined;
        try {
          return await client.query(text);
        } catch (error) {
          failure = error as Error;
          throw error;
        } finally {
          client.release(failure);
        }
      },
    ],
  ])('is canceled on the server, and its connection goes on: %s', async (name, query) => {
    const registry = await start();
    const pool = newPool({ max: 1 });
    const {
      rows: [before],
    } = await pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const error = await cancelOnceRunning(registry, name, () => query(pool, slow(name)));
    expect(code(error.cause)).toBe('57014');
    const {
      rows: [after],
    } = await pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    expect(after).toEqual(before);
    expect(pool.totalCount).toBe(1);
  });

  it('is dropped if it waits for its turn, and the others of its connection are answered', async () => {
    const registry = await start();
    const client = await newClient();
    const first = client.query(slow('first'));
    first.catch(() => {});
    await running('first');
    const dropped = openOperation(registry, () => client.query(slow('dropped')));
    const outside = client.query("SELECT 'outside' AS text");
    const kept = openOperation(registry, () => client.query("SELECT 'kept' AS text"));
    dropped.operation.cancel();
    expect(await rejection(dropped.work)).toBe(dropped.operation.cancelation);
    await ask(
      "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE '%first%' AND pid <> pg_backend_pid()",
    );
    expect(code(await rejection(first))).toBe('57014');
    expect((await outside).rows).toEqual([{ text: 'outside' }]);
    expect((await kept.work).rows).toEqual([{ text: 'kept' }]);
  });

  it('takes nobody along who waits behind it on the same connection', async () => {
    const registry = await start();
    const client = await newClient();
    const { operation, work } = openOperation(registry, () => client.query(slow('ahead')));
    const behind = client.query("SELECT 'behind' AS text");
    const also = openOperation(registry, () => client.query("SELECT 'also' AS text"));
    await running('ahead');
    operation.cancel();
    expect(await rejection(work)).toBe(operation.cancelation);
    expect((await behind).rows).toEqual([{ text: 'behind' }]);
    expect((await also.work).rows).toEqual([{ text: 'also' }]);
  });

  it('takes nobody along when the server hears of the cancel after it has ended', async () => {
    const registry = await start();
    const proxy = await startProxy();
    const client = await newClient({ port: proxy.port });
    const { operation, work } = openOperation(registry, () =>
      client.query('SELECT pg_sleep(0.3) /* ends by itself */'),
    );
    const behind = client.query("SELECT pg_sleep(0.3), 'behind' AS text");
    await running('ends by itself');
    proxy.late = 'wait';
    proxy.waiting = async () => {
      await running('ends by itself', 0);
      // Time enough for the next one to begin, if nothing kept it.
      for (let index = 0; index < 50; index++) await ask('SELECT 1');
    };
    operation.cancel();
    await work.catch(() => {});
    expect((await behind).rows[0]).toMatchObject({ text: 'behind' });
  });

  it('is not sent at all when the operation is canceled already', async () => {
    const registry = await start();
    const pool = newPool();
    await ask('CREATE TABLE late (id int)');
    const { work, operation } = openOperation(registry, async (own) => {
      const client = await pool.connect();
      own.cancel();
      try {
        return await client.query('INSERT INTO late VALUES (1)');
      } finally {
        client.release();
      }
    });
    expect(await rejection(work)).toBe(operation.cancelation);
    expect(await ask('SELECT * FROM late')).toEqual([]);
    expect(pool.idleCount).toBe(1);
  });

  it('goes on in a shield, in a cleanup, and outside of the operation', async () => {
    const registry = await start();
    const pool = newPool();
    const texts: string[] = [];
    const read = async (text: string) => {
      texts.push((await pool.query<{ text: string }>('SELECT $1 AS text', [text])).rows[0]!.text);
    };
    const cleanedUp = deferred();
    const { work } = openOperation(registry, (own) => {
      own.defer(() => read('cleanup').then(cleanedUp.resolve));
      return own.shield(async () => {
        own.cancel();
        await read('shield');
      });
    });
    await work;
    await cleanedUp.promise;
    await read('outside');
    expect(texts).toEqual(['shield', 'cleanup', 'outside']);
  });

  it('surfaces when another error comes first', async () => {
    const registry = await start();
    const pool = newPool();
    const { work } = openOperation(registry, () => pool.query('SELECT 1 / 0'));
    expect(code(await rejection(work))).toBe('22012');
    expect(await rejection(pool.query('nonsense'))).toMatchObject({ code: '42601' });
  });
});

describe('waiting for a connection', () => {
  it('is over at once, and the slot goes to the next', async () => {
    const registry = await start();
    const pool = newPool({ max: 1 });
    const holder = await pool.connect();
    const waiters = [
      openOperation(registry, () => pool.query('SELECT 1')),
      openOperation(registry, async () => (await pool.connect()).release()),
      openOperation(
        registry,
        () =>
          new Promise<void>((resolve, reject) => {
            pool.connect((error, _client, release) => {
              release();
              if (error) reject(error);
              else resolve();
            });
          }),
      ),
    ];
    const next = pool.query("SELECT 'next' AS text");
    for (const { operation, work } of waiters) {
      operation.cancel();
      expect(await rejection(work)).toBe(operation.cancelation);
    }
    holder.release();
    expect((await next).rows).toEqual([{ text: 'next' }]);
    expect([pool.totalCount, pool.idleCount, pool.waitingCount]).toEqual([1, 1, 0]);
  });

  it('is done in the context of whoever waits, not of whoever gives a connection back', async () => {
    const registry = await start();
    const pool = newPool({ max: 1 });
    const held = deferred();
    const holder = openOperation(registry, async (own) => {
      const client = await pool.connect();
      held.resolve();
      await own.sleep('1h').catch(() => {});
      // Canceled, and not over: what runs here now is refused.
      client.release();
      await running('innocent');
    });
    await held.promise;
    const innocent = pool.query("SELECT pg_sleep(0.2), 'innocent' AS text");
    holder.operation.cancel();
    await holder.work.catch(() => {});
    expect((await innocent).rows[0]).toMatchObject({ text: 'innocent' });
  });
});

describe('a connection', () => {
  it('calls nobody back in the context of the operation that opened it', async () => {
    const registry = await start();
    const opened = deferred<pg.Client>();
    const opener = openOperation(registry, async (own) => {
      opened.resolve(await newClient());
      await own.sleep('1h');
    });
    const client = await opened.promise;
    const nested = new Promise<pg.QueryResult<{ text: string }>>((resolve, reject) => {
      client.query('SELECT 1', () => {
        client.query<{ text: string }>("SELECT pg_sleep(0.3), 'nested' AS text", (error, result) =>
          error ? reject(error) : resolve(result),
        );
      });
    });
    await running('nested');
    opener.operation.cancel();
    expect((await nested).rows[0]).toMatchObject({ text: 'nested' });
  });
});

describe('a transaction', () => {
  const table = async (name: string) => {
    await ask(`CREATE TABLE ${name} (id int)`);
    return () => ask(`SELECT * FROM ${name}`);
  };

  async function transaction(pool: pg.Pool, body: (client: pg.PoolClient) => Promise<unknown>) {
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      const result = await body(client);
      await client.query('COMMIT');
      return result;
    } catch (error) {
      await client.query('ROLLBACK');
      throw error;
    } finally {
      client.release();
    }
  }

  it('is rolled back by whoever began it, although the operation is canceled', async () => {
    const registry = await start();
    const pool = newPool({ max: 1 });
    const rows = await table('rolled_back');
    await cancelOnceRunning(registry, 'within', () =>
      transaction(pool, async (client) => {
        await client.query('INSERT INTO rolled_back VALUES (1)');
        await client.query(slow('within'));
      }),
    );
    expect(await rows()).toEqual([]);
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    expect(
      await ask("SELECT pid FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"),
    ).toEqual([]);
  });

  it('is rolled back by a COMMIT that comes after the cancel', async () => {
    const registry = await start();
    const pool = newPool({ max: 1 });
    const rows = await table('not_committed');
    const { work, operation } = openOperation(registry, async (own) => {
      const client = await pool.connect();
      await client.query('BEGIN');
      await client.query('INSERT INTO not_committed VALUES (1)');
      own.cancel();
      const failed = await rejection(client.query('COMMIT'));
      client.release();
      throw failed;
    });
    expect(await rejection(work)).toBe(operation.cancelation);
    expect(await rows()).toEqual([]);
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });

  it('is committed if the COMMIT is on its way', async () => {
    const registry = await start();
    const pool = newPool({ max: 1 });
    const rows = await table('committed');
    // The check of a deferred constraint makes the commit itself take its time.
    await ask(`
      CREATE FUNCTION linger() RETURNS trigger AS 'BEGIN PERFORM pg_sleep(0.5); RETURN NEW; END' LANGUAGE plpgsql;
      CREATE CONSTRAINT TRIGGER lingers AFTER INSERT ON committed
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION linger()`);
    const { work, operation } = openOperation(registry, () =>
      transaction(pool, (client) => client.query('INSERT INTO committed VALUES (1)')),
    );
    await running('COMMIT');
    operation.cancel();
    await work;
    expect(await rows()).toEqual([{ id: 1 }]);
  });

  it('closes the connection if it is given back without an end', async () => {
    const registry = await start();
    const pool = newPool({ max: 1 });
    const rows = await table('left_open');
    await cancelOnceRunning(registry, 'no end', async () => {
      const client = await pool.connect();
      await client.query('BEGIN');
      await client.query('INSERT INTO left_open VALUES (1)');
      const failed = (await rejection(client.query(slow('no end')))) as Error;
      client.release(failed);
      throw failed;
    });
    expect(pool.totalCount).toBe(0);
    expect(await rows()).toEqual([]);
  });

  it('gives advisory locks back', async () => {
    const registry = await start();
    const pool = newPool({ max: 1 });
    await cancelOnceRunning(registry, 'locked', async () => {
      const client = await pool.connect();
      try {
        await client.query('SELECT pg_advisory_lock(42)');
        await client.query(slow('locked'));
      } finally {
        await client.query('SELECT pg_advisory_unlock($1)', [42]);
        client.release();
      }
    });
    expect(await ask("SELECT objid FROM pg_locks WHERE locktype = 'advisory'")).toEqual([]);
  });
});

describe('postgres({ deadlines: true })', () => {
  const timeout = async (client: Pick<pg.Client, 'query'>) => {
    const text = "SELECT setting::int AS left FROM pg_settings WHERE name = 'statement_timeout'";
    return (await client.query<{ left: number }>(text)).rows[0]!.left;
  };

  it('tells the server what is left, and takes it back', async () => {
    const registry = await start({ deadlines: true });
    const client = await newClient();
    const left = await registry.run({ name: 'report', timeout: '1m' }, () => timeout(client));
    expect(left).toBeGreaterThan(30_000);
    expect(left).toBeLessThanOrEqual(60_050);
    expect(await timeout(client)).toBe(0);
    await client.query("SET statement_timeout = '5s'");
    expect(await registry.run({ name: 'report', timeout: '1m' }, () => timeout(client))).toBe(
      5_000,
    );
    expect(await timeout(client)).toBe(5_000);
    expect(await registry.run('report', () => timeout(client))).toBe(5_000);
  });

  it('is taken back after a query, and a transaction, that failed', async () => {
    const registry = await start({ deadlines: true });
    const client = await newClient();
    const work = registry.run({ name: 'report', timeout: '1m' }, async () => {
      await rejection(client.query('SELECT 1 / 0'));
      expect(await rejection(client.query('nonsense'))).toMatchObject({ code: '42601' });
      await client.query('BEGIN');
      await rejection(client.query('SELECT 1 / 0'));
      await client.query('ROLLBACK');
    });
    await work;
    expect(await timeout(client)).toBe(0);
  });
});

describe('postgres()', () => {
  const places = () => [
    pg.Client.prototype.query,
    pg.Client.prototype.connect,
    (pg.Client.prototype as unknown as Record<string, unknown>)['_pulseQueryQueue'],
    pg.Pool.prototype.connect,
  ];

  it('puts back what it replaced, whichever application closes first', async () => {
    const before = places();
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      const apps = [
        await startContext({}, { extensions: [postgres()] }),
        await startContext({}, { extensions: [postgres()] }),
      ];
      const pool = newPool();
      places().forEach((each, index) => expect(each).not.toBe(before[index]));
      for (const index of order) {
        const marker = `app ${order.join()} ${index}`;
        await cancelOnceRunning(apps[index]!.registry, marker, () => pool.query(slow(marker)));
        await apps[index]!.app.close();
      }
      expect(places()).toEqual(before);
    }
  });

  it('leaves the operations of other applications alone', async () => {
    await start();
    const other = await startContext({});
    const pool = newPool();
    const { work } = openOperation(other.registry, async (own) => {
      own.cancel();
      return pool.query('SELECT 1 AS one');
    });
    expect((await work).rows).toEqual([{ one: 1 }]);
  });

  it('gives what pg gives: results, errors with the stack of the caller, the same complaints', async () => {
    const registry = await start();
    const client = await newClient();
    await registry.run('report', async () => {
      const query = { text: 'SELECT $1::int AS n', values: [7], rowMode: 'array' as const };
      expect((await client.query(query)).rows).toEqual([[7]]);
      const failed = (await rejection(client.query('SELECT nonsense'))) as Error;
      expect(failed.stack).toContain('queries.test');
      expect(() => client.query(null as never)).toThrow(TypeError);
      const given = new pg.Query('SELECT 1');
      const ended = once(given, 'end');
      expect(client.query(given as never) as unknown).toBe(given);
      await ended;
    });
  });

  it.each<[unknown, string]>([
    [{ deadlines: 'yes' }, 'true or false'],
    [{ deadline: true }, 'there is no option'],
  ])('refuses %p', (options, message) => {
    expect(() => postgres(options as PostgresOptions)).toThrow(message);
  });
});
