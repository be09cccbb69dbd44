import { type CallingScope, callingScope } from '../operation/calling-scope.js';
import { Interruption, markInterrupted } from '../operation/interruption.js';
import { describeError } from '../scope/describe-error.js';
import { loadIfInstalled } from '../scope/load-peer.js';
import { loadedCopies } from '../scope/loaded-copies.js';
import { isObject } from '../scope/plain-object.js';
import { SharedMethod } from '../scope/shared-method.js';
import { kindOf, rollbackFor } from './statements.js';

/** A query of the package `postgres`, as far as it is used: a promise that is sent when awaited. */
interface LazyQuery {
  readonly executed: boolean;
  strings: readonly string[];
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
  /** @returns a promise, once it was sent */
  cancel(): PromiseLike<unknown> | null | undefined;
}

type Handle = (this: LazyQuery) => unknown;

/** Sends a query, unless it was sent already. */
export const handleMethod = new SharedMethod<'handle', Handle, object>(
  'handle',
  (below, owners) => {
    const handle: Handle = function () {
      const caller = this.executed ? undefined : callingScope(owners);
      if (caller !== undefined) prepare(this, caller);
      return this.executed ? undefined : below.call(this);
    };
    return handle;
  },
);

function prepare(query: LazyQuery, caller: CallingScope<object>): void {
  const { scope } = caller;
  const text = query.strings.join('?');
  const kind = kindOf(text);
  if (kind === 'cleanup') return;
  scope.checkClock();
  if (!scope.isCanceled()) {
    if (kind !== 'commit') follow(query, caller);
    return;
  }
  const error = scope.error();
  if (kind === 'commit') {
    // Whoever commits takes it that there is no transaction afterwards.
    const rollback = rollbackFor(text);
    query.strings = Object.assign([rollback], { raw: [rollback] });
    query.resolve = () => query.reject(error);
  } else {
    Object.assign(query, { executed: true });
    query.reject(error);
  }
}

function follow(query: LazyQuery, { scope, operation }: CallingScope<object>): void {
  const { resolve, reject } = query;
  let interruption: Interruption | undefined;
  const listener = scope.observe((error) => {
    interruption = new Interruption(error);
    Promise.resolve(query.cancel()).catch((failure: unknown) => {
      operation.host.log.warn(
        `PostgreSQL could not be told to cancel a query of ${operation.name}: ${describeError(failure)}`,
        operation,
      );
    });
  });
  query.resolve = (value) => {
    listener.remove();
    resolve(value);
  };
  query.reject = (error) => {
    listener.remove();
    if (interruption !== undefined && isObject(error)) {
      markInterrupted(error, interruption);
    }
    reject(error);
  };
}

/** Makes a tag for queries; nothing is connected before one is sent. */
type Postgres = (options: object) => (strings: TemplateStringsArray) => object;

/** The prototypes of the queries of each copy of the package `postgres`; none: it is not installed. */
export async function lazyQueryPrototypes(): Promise<object[]> {
  const installed = await loadIfInstalled('postgres', () => import('postgres'));
  const copies = [installed?.default, ...loadedCopies('postgres', 'cjs/src/index.js')];
  return [...new Set(copies)]
    .filter((copy): copy is Postgres => typeof copy === 'function')
    .map((copy) => Object.getPrototypeOf(copy({ host: 'localhost', max: 1 })``) as object);
}
