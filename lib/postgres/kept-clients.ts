import { isObject } from '../scope/plain-object.js';
import type { PgClient } from './pg.js';

/** Errors after which a connection is as good as before. */
const harmless = new WeakSet<object>();

/**
 * Whoever gives a client back to its pool with an error wants its connection closed. After this one
 * it is kept.
 */
export function keepAfter(client: PgClient, error: object): void {
  harmless.add(error);
  const { release } = client;
  if (release === undefined) return;
  client.release = (given) => release(isObject(given) && harmless.has(given) ? undefined : given);
}
