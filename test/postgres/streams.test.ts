import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import type { PoolClient } from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import Cursor from 'pg-cursor';
import QueryStream from 'pg-query-stream';
import { rejection } from '../support/deferred.js';
import { openOperation } from '../support/open-operation.js';
import {
  ask,
  cancelOnceRunning,
  newClient,
  newPool,
  running,
  start,
  usePostgres,
} from './support.js';

usePostgres();

async function withClient<Result>(
  pool: ReturnType<typeof newPool>,
  body: (client: PoolClient) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  try {
    return await body(client);
  } finally {
    client.release();
  }
}

/** Rows at once, and then, from the given one on, none for an hour. */
const rowsUntil = (count: number, marker: string) =>
  `SELECT n, CASE WHEN n > ${count} THEN pg_sleep(3600) END FROM generate_series(1, 1000) n /* ${marker} */`;

const backend = async (pool: ReturnType<typeof newPool>) =>
  (await pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]!.pid;

describe('a cursor', () => {
  it('is canceled while it reads', async () => {
    const registry = await start();
    const pool = newPool({ max: 1 });
    const pid = await backend(pool);
    await cancelOnceRunning(registry, 'cursor', () =>
      withClient(pool, async (client) => {
        const cursor = client.query(new Cursor(rowsUntil(2, 'cursor')));
        expect(await cursor.read(2)).toHaveLength(2);
        return cursor.read(2);
      }),
    );
    expect(await backend(pool)).toBe(pid);
  });

  it('is canceled between two reads, the next of which fails', async () => {
    const registry = await start();
    const pool = newPool({ max: 1 });
    const pid = await backend(pool);
    const { work, operation } = openOperation(registry, (own) =>
      withClient(pool, async (client) => {
        const cursor = client.query(new Cursor(rowsUntil(500, 'between')));
        expect(await cursor.read(2)).toHaveLength(2);
        own.cancel();
        return cursor.read(2);
      }),
    );
    expect(await rejection(work)).toBe(operation.cancelation);
    await running('between', 0);
    expect(await backend(pool)).toBe(pid);
  });

  it('is dropped while it waits for its connection', async () => {
    const registry = await start();
    const client = await newClient();
    const ahead = client.query("SELECT pg_sleep(0.3), 'ahead' AS text");
    const { work, operation } = openOperation(registry, async () => {
      const cursor = client.query(new Cursor(rowsUntil(5, 'dropped')));
      return cursor.read(2);
    });
    operation.cancel();
    expect(await rejection(work)).toBe(operation.cancelation);
    expect((await ahead).rows[0]).toMatchObject({ text: 'ahead' });
    expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });
});

describe.each<[string, (client: PoolClient) => Promise<unknown>]>([
  ['a cursor', (client) => client.query(new Cursor('INSERT INTO not_sent VALUES (1)')).read(1)],
  [
    'a stream',
    (client) => client.query(new QueryStream('INSERT INTO not_sent VALUES (1)')).toArray(),
  ],
])('%s that begins in a canceled operation', (_, begin) => {
  it('is not sent', async () => {
    const registry = await start();
    const pool = newPool({ max: 1 });
    await ask('CREATE TABLE IF NOT EXISTS not_sent (id int)');
    const { work, operation } = openOperation(registry, (own) =>
      withClient(pool, (client) => {
        own.cancel();
        return begin(client);
      }),
    );
    expect(await rejection(work)).toBe(operation.cancelation);
    expect(await ask('SELECT * FROM not_sent')).toEqual([]);
    expect(await backend(pool)).toBeGreaterThan(0);
  });
});

describe('a stream of rows', () => {
  const read = async (stream: QueryStream) => {
    let count = 0;
    for await (const row of stream) count += row === undefined ? 0 : 1;
    return count;
  };

  it('is canceled while the server looks for the next row', async () => {
    const registry = await start();
    const pool = newPool({ max: 1 });
    const pid = await backend(pool);
    await cancelOnceRunning(registry, 'stream', () =>
      withClient(pool, (client) =>
        read(client.query(new QueryStream(rowsUntil(4, 'stream'), [], { batchSize: 2 }))),
      ),
    );
    expect(await backend(pool)).toBe(pid);
  });

  it('is canceled while its reader is slow', async () => {
    const registry = await start();
    const pool = newPool({ max: 1 });
    const pid = await backend(pool);
    const { work, operation } = openOperation(registry, (own) =>
      withClient(pool, async (client) => {
        const stream = client.query(new QueryStream(rowsUntil(900, 'slow'), [], { batchSize: 2 }));
        for await (const row of stream) {
          own.cancel();
          expect(row).toHaveProperty('n');
        }
      }),
    );
    expect(await rejection(work)).toBe(operation.cancelation);
    await running('slow', 0);
    expect(await backend(pool)).toBe(pid);
  });

  it('stops its query when its reader stops', async () => {
    const registry = await start();
    const pool = newPool({ max: 1 });
    const { work } = openOperation(registry, () =>
      withClient(pool, async (client) => {
        const stream = client.query(new QueryStream(rowsUntil(2, 'left'), [], { batchSize: 2 }));
        for await (const row of stream) {
          await running('left');
          return row as unknown;
        }
        return undefined;
      }),
    );
    expect(await work).toMatchObject({ n: 1 });
    await running('left', 0);
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });
});

describe('COPY', () => {
  it('to the client is canceled', async () => {
    const registry = await start();
    const pool = newPool({ max: 1 });
    const pid = await backend(pool);
    await cancelOnceRunning(registry, 'copy_out', () =>
      withClient(pool, async (client) => {
        const stream = client.query(copyTo(`COPY (${rowsUntil(10, 'copy_out')}) TO STDOUT`));
        for await (const chunk of stream) expect(chunk).toBeDefined();
      }),
    );
    expect(await backend(pool)).toBe(pid);
  });

  it('from the client is canceled, and nothing is kept', async () => {
    const registry = await start();
    const pool = newPool({ max: 1 });
    const pid = await backend(pool);
    await ask('CREATE TABLE copied (n int)');
    const source = new PassThrough();
    await cancelOnceRunning(registry, 'COPY copied', () =>
      withClient(pool, async (client) => {
        const stream = client.query(copyFrom('COPY copied FROM STDIN'));
        source.pipe(stream);
        source.write('1\n2\n');
        await once(stream, 'finish');
      }),
    );
    expect(await ask('SELECT * FROM copied')).toEqual([]);
    expect(await backend(pool)).toBe(pid);
  });
});

describe('LISTEN', () => {
  it('goes on after the operation that began it', async () => {
    const registry = await start();
    const client = await newClient();
    await registry.run('subscribe', () => client.query('LISTEN news'));
    const { operation, work } = openOperation(registry, (own) => own.sleep('1h'));
    operation.cancel();
    await rejection(work);
    const heard = once(client, 'notification') as Promise<[{ payload?: string }]>;
    await ask("NOTIFY news, 'hello'");
    expect((await heard)[0].payload).toBe('hello');
  });
});
