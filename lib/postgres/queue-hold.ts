import { SharedMethod } from '../scope/shared-method.js';
import type { PgClient, Pulse } from './pg.js';

/** How many cancel requests are on their way to each client's server. */
const holds = new WeakMap<PgClient, number>();

/** Sends the next query of a client, unless a cancel request could still hit it. */
export const pulse = new SharedMethod<'_pulseQueryQueue', Pulse, object>(
  '_pulseQueryQueue',
  (below) =>
    function () {
      if (!holds.has(this)) below.call(this);
    },
);

/** Lets no further query of a client be sent. @returns lets it go on */
export function holdQueue(client: PgClient): () => void {
  holds.set(client, (holds.get(client) ?? 0) + 1);
  return () => {
    const left = (holds.get(client) ?? 1) - 1;
    if (left > 0) {
      holds.set(client, left);
      return;
    }
    holds.delete(client);
    client._pulseQueryQueue();
  };
}
