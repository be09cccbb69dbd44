import type { Signal } from './abort-signal.js';
import type { CancelationError } from './cancelation-error.js';
import { captureCallSite } from './call-site.js';
import { cancelScope } from './cancel.js';
import { readCancelOptions } from './cancel-options.js';
import { type CancelOptions, CancelRecord, recordFromError } from './cancel-record.js';
import { monotonicNow, wallNow, wallTimeAt } from './clock.js';
import { currentScope } from './context.js';
import { type Duration, parseDuration } from './duration.js';
import { INSPECT, inspectAs, type InspectCall } from './inspect.js';
import type { CancelListener } from './listeners.js';
import { refuse } from './validate.js';
import type { Scope } from './scope.js';
import { raceIn, sleepIn, whenScopeCanceled } from './sleep.js';
import { TokenScope } from './token-scope.js';
import { AbortSignalSource, DeadlineSource, type TokenSource } from './token-sources.js';

/**
 * Tells work that it is canceled, and lets it be. Every operation has one; `new CancelationToken()`
 * makes one of its own, to share between operations.
 *
 * @example
 * const token = new CancelationToken();
 * button.onClick(() => token.cancel({ message: 'stop pressed' }));
 * await reports.build('Paris', token);
 * @publicApi
 */
export class CancelationToken {
  /** A token that is never canceled: `cancel()` is false. */
  static readonly none: CancelationToken = CancelationToken.createNone();

  #scope: Scope;

  constructor();
  /** @internal */
  constructor(scope: Scope);
  constructor(scope: Scope = new TokenScope()) {
    this.#scope = scope;
  }

  /**
   * A token that is canceled as soon as one of these is. It keeps the first reason and its cause
   * chain; its deadline is the nearest of theirs. The sources hold it only while it has a
   * listener or a signal in use.
   *
   * @param sources tokens, AbortSignals, durations (from now) and Dates
   */
  static any(
    ...sources: readonly (CancelationToken | Signal | Duration | Date)[]
  ): CancelationToken {
    return CancelationToken.of(new TokenScope(sources.map(toSource)));
  }

  /**
   * A token that follows an AbortSignal: our own errors keep their reason, a `TimeoutError`
   * becomes `timeout`, everything else `signal`.
   */
  static fromSignal(signal: Signal): CancelationToken {
    return CancelationToken.any(signal);
  }

  /**
   * A token that is canceled after a while, with reason `timeout`.
   *
   * @param duration milliseconds or with a unit; 0: already canceled
   * @throws TypeError when it is no duration
   */
  static timeout(duration: Duration): CancelationToken {
    return CancelationToken.any(
      parseDuration(duration, 'CancelationToken.timeout()', { zero: true }),
    );
  }

  /** @internal */
  static of(scope: Scope): CancelationToken {
    return new CancelationToken(scope);
  }

  /** @internal Whether a value is a token of that scope. */
  static isOf(value: unknown, scope: Scope): boolean {
    return value instanceof CancelationToken && value.#scope === scope;
  }

  /** @internal */
  static scopeOf(token: CancelationToken): Scope {
    return token.#scope;
  }

  /**
   * @internal Its operation has settled: what the token says stays, what it held is let go.
   */
  static retire(token: CancelationToken): void {
    const scope = token.#scope;
    token.#scope = TokenScope.settled(scope.record === undefined ? undefined : scope.error());
  }

  private static createNone(): CancelationToken {
    const scope = new TokenScope();
    scope.decided = true;
    return CancelationToken.of(scope);
  }

  /** Whether it is canceled. */
  get isCanceled(): boolean {
    return this.#scope.isCanceled();
  }

  /** Why it is canceled; `undefined` while it is not. */
  get reason(): CancelationError['reason'] | undefined {
    return this.#scope.isCanceled() ? this.#scope.record?.reason : undefined;
  }

  /** The error of the cancel; `undefined` while it is not canceled. */
  get error(): CancelationError | undefined {
    return this.#scope.isCanceled() ? this.#scope.error() : undefined;
  }

  /** The moment at which it will be canceled, by the wall clock. */
  get deadline(): Date | undefined {
    const { limit } = this.#scope;
    return limit === undefined ? undefined : new Date(wallTimeAt(limit));
  }

  /** Milliseconds until the deadline, never negative; Infinity without one. */
  remaining(): number {
    const { limit } = this.#scope;
    return limit === undefined ? Infinity : Math.max(0, limit - monotonicNow());
  }

  /** A real AbortSignal, created on first use; its `reason` is `error`. */
  get signal(): Signal {
    return this.#scope.signal();
  }

  /**
   * Throws if it is canceled, or if its deadline has passed by the clock.
   *
   * @throws CancelationError
   */
  throwIfCanceled(): void {
    const scope = this.#scope;
    scope.checkClock();
    if (scope.isCanceled()) throw scope.error();
  }

  /**
   * Calls the listener when the token is canceled; at once if it is already. A listener that
   * throws or rejects is logged and stops nobody.
   *
   * @returns removes the listener
   */
  onCancel(listener: CancelListener): () => void {
    return this.#scope.addListener(listener);
  }

  /** Resolves with the error once canceled; stays pending if that never happens. */
  whenCanceled(): Promise<CancelationError> {
    return whenScopeCanceled(this.#scope);
  }

  /**
   * Waits. Keeps the process alive meanwhile.
   *
   * @param duration milliseconds or with a unit; 0 is allowed
   * @throws CancelationError as soon as the token is canceled
   */
  sleep(duration: Duration): Promise<void> {
    return sleepIn(this.#scope, parseDuration(duration, 'token.sleep()', { zero: true }));
  }

  /**
   * Gives the promise's outcome, or rejects as soon as the token is canceled. The promise itself
   * goes on.
   *
   * @throws CancelationError
   */
  race<Value>(promise: PromiseLike<Value>): Promise<Awaited<Value>> {
    return raceIn(this.#scope, promise);
  }

  /** @internal What `console.log` shows. */
  [INSPECT](...call: InspectCall): string {
    const { isCanceled, reason, error, deadline } = this;
    const facts = () => ({
      isCanceled,
      ...(error === undefined ? undefined : { reason, message: error.message }),
      ...(deadline === undefined ? undefined : { deadline }),
    });
    return inspectAs(this, facts, ...call);
  }

  /**
   * Cancels. The first call decides the reason; `isCanceled` is true when it returns.
   *
   * @returns true if this call was the first
   */
  cancel(options?: CancelOptions): boolean {
    return cancelWith(this.#scope, options);
  }
}

/** @internal Cancels a scope as a user asks for it. */
export function cancelWith(scope: Scope, options: CancelOptions = {}): boolean {
  if (scope.record !== undefined || scope.decided) return false;
  return cancelScope(scope, userRecord(options));
}

/** @internal The record of a cancel that somebody asked for. */
export function userRecord(options: CancelOptions): CancelRecord {
  const { reason = 'manual', message, cause, requestedBy } = readCancelOptions(options);
  return new CancelRecord(reason, message, {
    cause,
    requestedBy: requestedBy ?? currentScope()?.operation()?.id,
    site: captureCallSite(),
  });
}

/** Derives from another token: its reason and its chain are kept. */
class ScopeSource implements TokenSource {
  /** Not the scope behind it: once that has settled, the token has another. */
  constructor(private readonly token: CancelationToken) {}

  private get scope(): Scope {
    return CancelationToken.scopeOf(this.token);
  }

  get limit(): number | undefined {
    return this.scope.record === undefined ? this.scope.limit : undefined;
  }

  get canceledSince(): number | undefined {
    return this.scope.record?.moment;
  }

  check(): CancelRecord | undefined {
    this.scope.checkClock();
    return this.scope.isCanceled() ? recordFromError(this.scope.error()) : undefined;
  }

  listen(trigger: (record: CancelRecord) => void): () => void {
    const node = this.scope.observe((error) => trigger(recordFromError(error)));
    return () => node.remove();
  }
}

function toSource(source: CancelationToken | Signal | Duration | Date): TokenSource {
  if (source instanceof CancelationToken) return new ScopeSource(source);
  if (source instanceof Date) return new DeadlineSource(Math.max(0, source.getTime() - wallNow()));
  if (typeof source === 'object') {
    if (!isSignal(source)) refuse('CancelationToken', source, SOURCE_SHAPE);
    return new AbortSignalSource(source);
  }
  return new DeadlineSource(parseDuration(source, 'CancelationToken', { zero: true }));
}

const SOURCE_SHAPE = 'a token, an AbortSignal, a duration or a Date';

/** Accepts signals of other realms and of polyfills, too. */
function isSignal(value: Signal | null): value is Signal {
  return typeof value?.aborted === 'boolean' && typeof value.addEventListener === 'function';
}

/**
 * @internal Takes over the cancel of a token or signal: reason and cause chain kept.
 *
 * @returns lets go
 */
export function linkScope(
  scope: Scope,
  source: CancelationToken | Signal | Duration | Date,
): () => void {
  const from = toSource(source);
  const record = from.check();
  if (record !== undefined) {
    cancelScope(scope, record);
    return () => {};
  }
  return from.listen((late) => void cancelScope(scope, late));
}
