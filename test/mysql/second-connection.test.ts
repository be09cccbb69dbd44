import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { rejection } from '../support/deferred.js';
import { compiled } from '../support/plain-node.js';
import { describeWith } from '../support/servers.js';
import { localhost } from '../support/tls.js';
import { Database, startKilling } from './harness.js';

const path = (file: string) => compiled(new URL(file, import.meta.url));

describeWith(['mariadb'], 'the second connection of mysql()', () => {
  let database: Database;
  beforeAll(async () => {
    database = await Database.start();
    await database.value("CREATE USER secure@'%' IDENTIFIED BY 'secret' REQUIRE SSL");
    await database.value("CREATE USER plain@'%' IDENTIFIED BY 'secret'");
  });
  afterAll(() => database.stop());
  afterEach(() => database.closeClients());

  it.each([
    ['over TLS', { user: 'secure', ssl: { rejectUnauthorized: false } }],
    [
      'over TLS, with a check of the name',
      { user: 'secure', host: 'localhost', ssl: { ca: localhost.cert, verifyIdentity: true } },
    ],
    ['as a user without privileges', { user: 'plain' }],
    ['compressed', { user: 'plain', compress: true }],
  ])('is made as the first one: %s', async (_, options) => {
    const { registry } = await startKilling();
    const pool = database.promisePool({
      password: 'secret',
      database: 'information_schema',
      connectionLimit: 1,
      ...options,
    });
    const operation = await database.begun(registry, 'SLEEP', () => pool.query('SELECT SLEEP(60)'));
    operation.cancel();
    expect(await rejection(operation.result)).toMatchObject({ cause: { errno: 1317 } });
    expect((await pool.query('SELECT 1 AS one'))[0]).toEqual([{ one: 1 }]);
  });

  it('goes over the same socket of the machine', async () => {
    const { registry } = await startKilling();
    const pool = database.promisePool({ socketPath: join(database.server.folder, 'socket') });
    const operation = await database.begun(registry, 'SLEEP', () => pool.query('SELECT SLEEP(60)'));
    operation.cancel();
    expect(await rejection(operation.result)).toMatchObject({ cause: { errno: 1317 } });
  });

  it.each([
    ['plain', { user: 'plain' }],
    ['over TLS', { user: 'secure', ssl: { rejectUnauthorized: false } }],
  ])('keeps no process alive: %s', async (_, options) => {
    const { port } = database.server;
    const all = { host: '127.0.0.1', port, password: 'secret', ...options };
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [path('second-connection.fixture.ts')],
      { env: { ...process.env, MYSQL_OPTIONS: JSON.stringify(all) } },
    );
    const { connections, aliveFor } = JSON.parse(stdout.trim().split('\n').at(-1)!);
    // Two of the pool, and the one that has killed, which is kept for a second.
    expect(connections).toBe(3);
    expect(aliveFor).toBeLessThan(800);
  });
});
