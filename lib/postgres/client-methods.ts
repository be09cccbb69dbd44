import { type CallingScope, callingScope } from '../operation/calling-scope.js';
import { boundHere, inContext } from '../scope/context-storage.js';
import { SharedMethod } from '../scope/shared-method.js';
import { isCancelation } from '../scope/cancelation-error.js';
import { ForeignQuery } from './foreign-query.js';
import type { Connect, PgClient, Query, QueryCallback, Submittable } from './pg.js';
import type { PostgresSettings } from './postgres-settings.js';
import { withStatementTimeout } from './statement-timeout.js';
import { isSingle, kindOf, rollbackFor } from './statements.js';
import { TextQuery } from './text-query.js';

/**
 * Opens a connection in no context: it calls back in the one it was opened in, for as long as it
 * lives, whoever it works for.
 */
export const connectMethod = new SharedMethod<'connect', Connect, PostgresSettings>(
  'connect',
  (below) => {
    const connect: Connect = function (callback) {
      const bound = callback === undefined ? undefined : boundHere(callback);
      return inContext(undefined, () => below.call(this, bound));
    };
    return connect;
  },
);

export const queryMethod = new SharedMethod<'query', Query, PostgresSettings>(
  'query',
  (below, owners) => {
    const query: Query = function (config, values, callback) {
      const caller = callingScope(owners);
      if (caller === undefined) return below.call(this, config, values, callback);
      const text = textOf(config);
      const kind = kindOf(text);
      const { scope } = caller;
      scope.checkClock();
      if (kind === 'cleanup' || (kind === 'commit' && !scope.isCanceled())) {
        return below.call(this, config, ...[values, callback].map(bindIfFunction));
      }
      if (kind === 'commit')
        return rollBack(this, below, caller, String(text), [config, values, callback]);
      if (isSubmittable(config)) return follow(this, below, caller, config, values, callback);
      const limited = caller.owner.deadlines && kind === 'other' && isSingle(String(text));
      return ask(this, below, caller, queryOf(caller.owner, config, values, callback), limited);
    };
    return query;
  },
);

function bindIfFunction(value: unknown): unknown {
  return typeof value === 'function' ? boundHere(value as QueryCallback) : value;
}

function textOf(config: unknown): unknown {
  return typeof config === 'string'
    ? config
    : (config as { text?: unknown } | null | undefined)?.text;
}

function isSubmittable(config: unknown): config is Submittable {
  return typeof (config as { submit?: unknown } | null | undefined)?.submit === 'function';
}

function queryOf(
  { library }: PostgresSettings,
  config: unknown,
  values: unknown,
  callback: unknown,
): Submittable {
  const query = new library.Query(config, values, callback);
  const timeout = (config as { query_timeout?: unknown } | null)?.query_timeout;
  if (timeout !== undefined) Object.assign(query, { query_timeout: timeout });
  return query;
}

/** A query by its text: the promise, or the callback, is ours to settle. */
function ask(
  client: PgClient,
  below: Query,
  caller: CallingScope<PostgresSettings>,
  query: Submittable,
  isLimited: boolean,
): unknown {
  const { scope } = caller;
  const { callback: given } = query;
  const send = (settle: QueryCallback) => {
    if (scope.isCanceled()) {
      const error = scope.error();
      process.nextTick(() => settle(error));
      return;
    }
    const running = new TextQuery(client, query, caller, settle);
    below.call(client, query);
    running.follow();
  };
  const begin = (settle: QueryCallback) => {
    if (isLimited) withStatementTimeout(client, below, caller, send, settle);
    else send(settle);
  };
  if (typeof given === 'function') {
    begin(boundHere(given));
    return undefined;
  }
  const { _Promise: Own = Promise } = client;
  return new Own<unknown>((resolve, reject) => {
    begin((error, result) => (error ? reject(error) : resolve(result)));
  }).catch((error: unknown) => {
    // As pg does: the stack leads to whoever asked, and not to the socket.
    if (error instanceof Error && !isCancelation(error)) Error.captureStackTrace(error);
    throw error;
  });
}

/** A cursor, a stream, or a query with events of its own. */
function follow(
  client: PgClient,
  below: Query,
  caller: CallingScope<PostgresSettings>,
  query: Submittable,
  values: unknown,
  callback: unknown,
): unknown {
  const running = new ForeignQuery(client, query, caller);
  if (caller.scope.isCanceled()) running.refuse(caller.scope.error());
  const result = below.call(client, query, values, callback);
  running.follow();
  return result;
}

/**
 * What is committed cannot be taken back, and the caller was told that it was canceled. As the
 * server does with the commit of a transaction that has failed, it is rolled back instead: whoever
 * commits takes it that there is no transaction afterwards.
 */
function rollBack(
  client: PgClient,
  below: Query,
  { scope }: CallingScope<PostgresSettings>,
  commit: string,
  [config, values, callback]: Parameters<Query>,
): unknown {
  const error = scope.error();
  const text = rollbackFor(commit);
  const given = [values, callback, (config as { callback?: unknown }).callback].find(
    (each) => typeof each === 'function',
  ) as QueryCallback | undefined;
  if (given !== undefined) {
    const settle = boundHere(given);
    return below.call(client, text, () => settle(error));
  }
  const done = () => Promise.reject(error);
  return (below.call(client, text) as Promise<unknown>).then(done, done);
}
