import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import axios from 'axios';
import got from 'got';
import { currentOperation, OperationRegistry } from 'nestjs-cancelable';
import pg from 'pg';
import { deferred, rejection } from '../support/deferred.js';
import { type RunningPostgres, startPostgres } from '../support/postgres.js';

const registry = new OperationRegistry();

describe('passing the signal to an HTTP client', () => {
  let server: Server;
  let url: string;
  let arrived = deferred<IncomingMessage>();

  beforeAll(async () => {
    server = createServer((request) => arrived.resolve(request)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it.each<[string, (signal: AbortSignal) => Promise<unknown>]>([
    ['fetch', (signal) => fetch(url, { signal })],
    ['axios', (signal) => axios.get(url, { signal })],
    ['got', (signal) => got(url, { signal })],
  ])('%s: the request ends with the operation, whose error the caller gets', async (_, request) => {
    arrived = deferred();
    const outcome = rejection(registry.run({ settle: 'wait' }, ({ signal }) => request(signal)));
    const incoming = await arrived.promise;
    const closed = once(incoming.socket, 'close');
    registry.cancelAll({}, { message: 'not needed' });
    await closed;
    expect(await outcome).toMatchObject({ reason: 'manual', message: 'not needed' });
  });
});

describe('canceling a query of Postgres by hand', () => {
  let postgres: RunningPostgres;
  let pool: pg.Pool;

  beforeAll(async () => {
    postgres = await startPostgres();
    pool = new pg.Pool({ ...postgres.connection, max: 2 });
    // Connections that still close hear that the server stops.
    pool.on('error', () => {});
  });
  afterAll(async () => {
    await pool.end();
    await postgres.stop();
  });

  async function query(sql: string, operation = currentOperation()) {
    const client = await pool.connect();
    const { rows } = await client.query('SELECT pg_backend_pid() AS pid');
    let canceling: Promise<unknown> | undefined;
    const stop = operation.onCancel(() => {
      canceling = pool.query('SELECT pg_cancel_backend($1)', [rows[0].pid]);
    });
    try {
      return await client.query(sql);
    } finally {
      stop();
      await canceling; // first of all: else it hits whoever uses the connection next
      client.release();
    }
  }

  const active = async () => {
    const { rows } = await pool.query(
      `SELECT query FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()`,
    );
    return rows.length;
  };

  it('stops it on the server, gives the connection back, and the caller gets its own error', async () => {
    const outcome = rejection(
      registry.run({ name: 'report', settle: 'wait' }, () => query('SELECT pg_sleep(600)')),
    );
    while ((await active()) === 0);
    registry.cancelAll({ name: 'report' });
    const error = await outcome;
    expect(error).toMatchObject({ reason: 'manual', cause: { code: '57014' } });
    expect(await active()).toBe(0);
    expect(pool.idleCount).toBe(pool.totalCount);
    const answer = await registry.run('next', () => query('SELECT 1 AS one'));
    expect(answer.rows).toEqual([{ one: 1 }]);
  });
});
