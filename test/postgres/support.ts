import { afterAll, beforeAll } from '@jest/globals';
import type { CancelationError, Operation, OperationRegistry } from 'nestjs-cancelable';
import { postgres, type PostgresOptions } from 'nestjs-cancelable/postgres';
import pg from 'pg';
import { startContext } from '../support/app-context.js';
import { closeAfterTest } from '../support/close-after-test.js';
import { rejection } from '../support/deferred.js';
import { openOperation } from '../support/open-operation.js';
import { type RunningPostgres, startPostgres } from '../support/postgres.js';

let server: RunningPostgres;
let observer: pg.Client;

/** Starts a server for the tests of a file. */
export function usePostgres(options?: Parameters<typeof startPostgres>[0]): void {
  beforeAll(async () => {
    server = await startPostgres(options);
    observer = new pg.Client(server.connection);
    await observer.connect();
  }, 60_000);

  afterAll(async () => {
    await observer.end();
    await server.stop();
  });
}

export const connection = () => server.connection;

export function newPool(options: pg.PoolConfig = {}): pg.Pool {
  const pool = new pg.Pool({ ...server.connection, max: 2, ...options });
  pool.on('error', () => {});
  closeAfterTest(() => pool.end());
  return pool;
}

export async function newClient(options: pg.ClientConfig = {}): Promise<pg.Client> {
  const client = new pg.Client({ ...server.connection, ...options });
  client.on('error', () => {});
  await client.connect();
  closeAfterTest(() => client.end());
  return client;
}

export async function start(options?: PostgresOptions): Promise<OperationRegistry> {
  const extensions = [postgres(options)];
  return (await startContext({}, { extensions, shutdown: { cleanup: '10s' } })).registry;
}

/** A query that takes an hour, and can be told from others. */
export const slow = (marker: string) => `SELECT pg_sleep(3600) /* ${marker} */`;

async function active(marker: string): Promise<number> {
  const { rows } = await observer.query<{ count: string }>(
    `SELECT count(*) FROM pg_stat_activity
     WHERE state = 'active' AND pid <> pg_backend_pid() AND query LIKE '%' || $1 || '%'`,
    [marker],
  );
  return Number(rows[0]!.count);
}

/** Resolves when the server runs as many queries with the marker. */
export async function running(marker: string, count = 1): Promise<void> {
  while ((await active(marker)) !== count) await new Promise(setImmediate);
}

/** Asks the server in nobody's name. */
export async function ask<Row extends pg.QueryResultRow>(
  text: string,
  values?: unknown[],
): Promise<Row[]> {
  return (await observer.query<Row>(text, values)).rows;
}

/** Cancels an operation once the server runs its query, and sees it gone. */
export async function cancelOnceRunning(
  registry: OperationRegistry,
  marker: string,
  body: (operation: Operation) => Promise<unknown>,
): Promise<CancelationError> {
  const { work, operation } = openOperation(registry, body);
  await running(marker);
  operation.cancel();
  const error = (await rejection(work)) as CancelationError;
  if (error !== operation.cancelation) throw error;
  await running(marker, 0);
  return error;
}
