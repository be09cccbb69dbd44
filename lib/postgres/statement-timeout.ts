import type { CallingScope } from '../operation/calling-scope.js';
import { monotonicNow } from '../scope/clock.js';
import type { PgClient, Query, QueryCallback } from './pg.js';

/** Milliseconds that the operation's own timer is ahead of the server's. */
const LATER = 50;

/**
 * Limits one query by what its operation has left. A limit that is shorter already stays; one that
 * was set is taken back afterwards, by the server itself where its transaction has failed.
 */
export function withStatementTimeout(
  client: PgClient,
  below: Query,
  { scope: { limit } }: CallingScope<unknown>,
  send: (done: QueryCallback) => void,
  settle: QueryCallback,
): void {
  if (limit === undefined || client.pipeline === true) {
    send(settle);
    return;
  }
  const left = Math.max(1, Math.ceil(limit - monotonicNow())) + LATER;
  const set: QueryCallback = (error, result) => {
    const isSet = !error && (result as { rowCount?: number | null }).rowCount === 1;
    send((...outcome) => {
      if (isSet) below.call(client, 'RESET statement_timeout', () => settle(...outcome));
      else settle(...outcome);
    });
  };
  below.call(client, shorten(left), set);
}

function shorten(milliseconds: number): string {
  return (
    `SELECT set_config(name, '${milliseconds}', false) FROM pg_settings ` +
    `WHERE name = 'statement_timeout' AND (setting = '0' OR setting::bigint > ${milliseconds})`
  );
}
