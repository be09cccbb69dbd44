import { type CallingScope, callingScope } from '../operation/calling-scope.js';
import { Interruption } from '../operation/interruption.js';
import { boundHere } from '../scope/context-storage.js';
import { SharedMethod } from '../scope/shared-method.js';
import type { PgClient } from './pg.js';
import type { PostgresSettings } from './postgres-settings.js';

interface Pool {
  readonly Promise?: PromiseConstructor;
  readonly idleCount?: number;
  readonly waitingCount?: number;
}

type Release = (error?: unknown) => void;

type Taken = (error: unknown, client?: PgClient, release?: Release) => unknown;

type Take = (this: Pool, callback?: Taken) => unknown;

/** Takes a client out of a pool, or waits for one. */
export const takeMethod = new SharedMethod<'connect', Take, PostgresSettings>(
  'connect',
  (below, owners) => {
    const take: Take = function (callback) {
      const caller = callingScope(owners);
      if (caller !== undefined) return wait(this, below, caller, callback);
      // A pool calls back in the context of whoever gave the client back.
      return below.call(this, callback === undefined ? undefined : boundHere(callback));
    };
    return take;
  },
);

function wait(
  pool: Pool,
  below: Take,
  { scope }: CallingScope<PostgresSettings>,
  callback: Taken | undefined,
): unknown {
  if (callback === undefined) {
    const { Promise: Own = Promise } = pool;
    return new Own<unknown>((resolve, reject) => {
      begin((error, client) => (error ? reject(error) : resolve(client)));
    });
  }
  begin(boundHere(callback.length > 2 ? releasingAsNow(callback) : callback));
  return undefined;

  function begin(taken: Taken): void {
    scope.checkClock();
    if (scope.isCanceled()) {
      const error = scope.error();
      process.nextTick(() => taken(error));
      return;
    }
    if (pool.waitingCount === 0 && Number(pool.idleCount) > 0) {
      // There is nothing to wait for.
      below.call(pool, taken);
      return;
    }
    let isWaiting = true;
    const listener = scope.observe((error) => {
      isWaiting = false;
      taken(new Interruption(error), undefined, () => {});
    });
    below.call(pool, (error, client, release) => {
      listener.remove();
      if (client === undefined) {
        if (isWaiting) taken(error, client, release);
      } else if (isWaiting) {
        taken(error, client, release);
      } else {
        release?.();
      }
    });
  }
}

/** What releases the client may be replaced while it is taken. */
function releasingAsNow(taken: Taken): Taken {
  return (error, client, release) =>
    taken(error, client, client === undefined ? release : (given) => client.release?.(given));
}
