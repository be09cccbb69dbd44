import type { Signal } from '../scope/abort-signal.js';
import { wrapAttempts } from './attempts.js';
import type { CancelationError } from '../scope/cancelation-error.js';
import type { CancelOptions } from '../scope/cancel-record.js';
import { monotonicNow, wallTimeAt } from '../scope/clock.js';
import { type Duration, formatDuration, parseDuration } from '../scope/duration.js';
import { INSPECT, inspectAs, type InspectCall } from '../scope/inspect.js';
import { bindTo } from '../scope/bind.js';
import { underCeiling } from './max-timeout.js';
import { liveChildren } from './live-children.js';
import type { Cleanup } from '../scope/cleanup.js';
import { runCleanupNow } from './cleanups.js';
import { defineFacade } from './operation-facade.js';
import type { CancelListener } from '../scope/listeners.js';
import type { OperationKind, OperationMetadata, OperationStatus } from './operation-options.js';
import type { OperationState } from './operation-state.js';
import { placeIn } from './current-place.js';
import type { OperationProgress, ProgressListener, ProgressReport } from './progress.js';
import { type PublicOperation, publicView } from './public-view.js';
import { readOptions, readDuration } from '../scope/validate.js';
import { shieldIn } from './shield.js';
import { checkpointIn, sleepIn } from '../scope/sleep.js';
import { reportProgress } from './progress-delivery.js';
import { type OperationSnapshot, snapshotOf } from './snapshot.js';
import type {
  ChunkedStreamOptions,
  StreamOptions,
  StreamSource,
} from '../streams/stream-options.js';
import { streamThrough } from './operation-stream.js';
import { CancelationToken, cancelWith } from '../scope/token.js';

const SHIELD_READERS = { limit: readDuration };
const WRAP_READERS = { timeout: readDuration };

class FacadeExtras {
  token: CancelationToken | undefined = undefined;
  result: Promise<unknown> | undefined = undefined;
  settle: ((succeeded: boolean, value: unknown) => void) | undefined = undefined;
  outcome: { readonly succeeded: boolean; readonly value: unknown } | undefined = undefined;
}

/**
 * One piece of work: a request, a decorated call, a task. Knows why it was canceled, how far it
 * is, and what it has saved; belongs to a tree.
 *
 * @publicApi
 */
export class Operation {
  readonly #state: OperationState;
  /** Most operations are only looked at: what few need is kept apart. */
  #ownExtras: FacadeExtras | undefined = undefined;

  /** @internal Operations come from a registry or a decorator. */
  constructor(state: OperationState) {
    this.#state = state;
  }

  /** @internal */
  static of(state: OperationState): Operation {
    return (state.facade ??= new Operation(state)) as Operation;
  }

  /** @internal */
  static stateOf(operation: Operation): OperationState {
    return operation.#state;
  }

  /** Unguessable, and safe in a URL. Carries the instance it lives on, unless you chose it. */
  get id(): string {
    return this.#state.id;
  }

  /** Its name, as lists, logs and statistics have it. */
  get name(): string {
    return this.#state.name;
  }

  /**
   * What began it: `http`, `rpc`, `ws`, `graphql`, `cron`, `job`, `cqrs`, `event`, `method` or
   * `task`.
   */
  get kind(): OperationKind {
    return this.#state.plan.kind;
  }

  /** Where it stands. */
  get status(): OperationStatus {
    return this.#state.status;
  }

  /** The operation this one was begun in, while both live. */
  get parent(): Operation | undefined {
    const parent = this.#state.parentOperation;
    return parent === undefined ? undefined : Operation.of(parent);
  }

  /** The id of the operation this one was begun in; also once either has ended. */
  get parentId(): string | undefined {
    return this.#state.parentId;
  }

  /** The id of the topmost operation of its tree, perhaps its own; also once that has ended. */
  get rootId(): string {
    return this.#state.rootId;
  }

  /** The live operations begun in this one, oldest first. */
  get children(): readonly Operation[] {
    return liveChildren(this.#state).map((child) => Operation.of(child));
  }

  /** The token that tells its body of a cancel. */
  get token(): CancelationToken {
    const extras = this.#ensureExtras();
    if (extras.token === undefined) {
      extras.token = CancelationToken.of(this.#state);
      if (this.#state.outcome !== undefined) CancelationToken.retire(extras.token);
    }
    return extras.token;
  }

  /** Short for `token.signal`. */
  get signal(): Signal {
    return this.token.signal;
  }

  /** When it began. */
  get startedAt(): Date {
    return new Date(this.#state.startedWall);
  }

  /** When it ended; `undefined` while it is live. */
  get endedAt(): Date | undefined {
    const { duration, startedWall } = this.#state;
    return duration === undefined ? undefined : new Date(startedWall + duration);
  }

  /** Milliseconds, so far while it runs. */
  get duration(): number {
    return this.#state.duration ?? monotonicNow() - this.#state.startedAt;
  }

  /** Its own, over what it inherited. */
  get metadata(): Readonly<OperationMetadata> {
    return this.#state.metadata ?? {};
  }

  /** Its tags, inherited ones too. */
  get tags(): readonly string[] {
    return this.#state.tags ?? [];
  }

  /** The last report of this operation or a descendant. */
  get progress(): OperationProgress | undefined {
    return this.#state.extras?.progress;
  }

  /** What was saved with `savePartial()` or delivered through `stream()`. */
  get partialResult(): unknown {
    return this.#state.partialResult;
  }

  /** What it failed with. */
  get error(): unknown {
    return this.#state.cause;
  }

  /** Why it was canceled. */
  get cancelation(): CancelationError | undefined {
    return this.#state.record === undefined ? undefined : this.#state.error();
  }

  /** The outcome as a promise: lazy, and never an unhandled rejection. */
  get result(): Promise<unknown> {
    const extras = this.#ensureExtras();
    if (extras.result === undefined) {
      extras.result = new Promise((resolve, reject) => {
        extras.settle = (succeeded, value) => (succeeded ? resolve(value) : reject(value));
        if (extras.outcome !== undefined)
          extras.settle(extras.outcome.succeeded, extras.outcome.value);
      });
      extras.result.catch(() => {});
    }
    return extras.result;
  }

  /** @internal */
  settled(succeeded: boolean, value: unknown): void {
    const extras = this.#ensureExtras();
    extras.outcome = { succeeded, value };
    extras.settle?.(succeeded, value);
  }

  /** @internal */
  ended(): void {
    const token = this.#ownExtras?.token;
    if (token !== undefined) CancelationToken.retire(token);
  }

  #ensureExtras(): FacadeExtras {
    return (this.#ownExtras ??= new FacadeExtras());
  }

  /**
   * Cancels it and everything below it. The first call decides the reason.
   *
   * @returns true if this call was the first; false too once the outcome is decided
   */
  cancel(options?: CancelOptions): boolean {
    return cancelWith(this.#state, options);
  }

  /** Adds to the metadata; operations begun from now on inherit it. Nothing after the end. */
  annotate(metadata: OperationMetadata): this {
    const state = this.#state;
    state.annotate(metadata);
    return this;
  }

  /**
   * Says how far it is. Reaches the listeners of every ancestor, with the operation it comes from.
   *
   * @example
   * operation.reportProgress({ message: 'rows imported', current: 500, total: 20_000 });
   */
  reportProgress(report: string | ProgressReport): void {
    reportProgress(this.#state, report);
  }

  /**
   * Keeps a value that survives a cancel: in the error, the snapshot and the history (up to 1 KiB).
   */
  savePartial(value: unknown): void {
    this.#state.savePartial(value);
  }

  /**
   * Iterates a source (iterable, async iterable, Observable, Node or web stream) so that a cancel
   * interrupts the wait for the next item, closes the source, and leaves `{ count, items }` as the
   * partial result.
   *
   * @throws CancelationError when the operation is canceled
   * @example
   * for await (const row of operation.stream(rows, { reportEvery: 100 })) await save(row);
   */
  stream<Item>(
    source: StreamSource<Item>,
    options: ChunkedStreamOptions,
  ): AsyncIterableIterator<Item[]>;
  /** The same, one item at a time. */
  stream<Item>(source: StreamSource<Item>, options?: StreamOptions): AsyncIterableIterator<Item>;
  stream(source: unknown, options: StreamOptions = {}): AsyncIterableIterator<unknown> {
    return streamThrough(this.#state, placeIn(this.#state), source, options);
  }

  /**
   * Runs a part that a cancel does not interrupt: a payment, a commit. The cancel is delivered at
   * the next check after it; whoever waits for the operation waits for the shield. What acts on the
   * current operation inside (`sleep`, `checkpoint`, `wrap`, `stream`, children) follows the
   * shield.
   *
   * @param fn gets the shield's token, which `currentToken()` gives there, too
   * @param options.limit how long it may go on after the cancel, or after its start if that is
   * later; then the caller is let go and the shield's own token is canceled. Default: 5 s
   * @throws what the function throws
   * @example
   * const receipt = await operation.shield(() => payments.capture(order));
   */
  shield<Result>(
    fn: (token: CancelationToken) => Result | PromiseLike<Result>,
    options: { readonly limit?: Duration } = {},
  ): Promise<Awaited<Result>> {
    const { limit } = readOptions(options, 'operation.shield()', SHIELD_READERS);
    const milliseconds =
      limit === undefined ? undefined : parseDuration(limit, 'operation.shield(): limit');
    return shieldIn(this.#state, fn, milliseconds);
  }

  /**
   * Fixes a function to this operation: it runs there wherever it is called. See `bind`.
   *
   * @throws TypeError for what is no function
   * @example
   * emitter.on('row', operation.bind((row) => this.rows.save(row)));
   */
  bind<This, Args extends readonly unknown[], Result>(
    fn: (this: This, ...args: Args) => Result,
  ): (this: This, ...args: Args) => Result {
    const { cell } = placeIn(this.#state);
    const own = this.#state.cell;
    return bindTo(() => (cell.scope === undefined ? own : cell), fn, 'operation.bind()');
  }

  /**
   * Makes each call of a function an attempt, for a retry library: a child of this operation, with
   * its own token as the last argument and, if given, its own timeout. Once this operation is
   * canceled, the running attempt stops and no further one begins.
   *
   * @param options.timeout of each attempt; the operation's own covers all of them. Default: none
   * @throws CancelationError, what the function throws
   * @example
   * await pRetry(operation.wrap(fetchData, { timeout: '2s' }), { signal: operation.signal });
   */
  wrap<Args extends readonly unknown[], Result>(
    fn: (...args: [...Args, CancelationToken]) => Result | PromiseLike<Result>,
    options: { readonly timeout?: Duration } = {},
  ): (...args: Args) => Promise<Awaited<Result>> {
    const { timeout } = readOptions(options, 'operation.wrap()', WRAP_READERS);
    return wrapAttempts(
      this.#state,
      fn,
      timeout === undefined ? undefined : parseDuration(timeout, 'operation.wrap(): timeout'),
    );
  }

  /**
   * For loops that compute: throws when canceled (by the clock too), and gives way to others if
   * this turn of the event loop has run long.
   *
   * @throws CancelationError
   */
  checkpoint(): Promise<void> {
    return checkpointIn(placeIn(this.#state));
  }

  /**
   * Waits. Keeps the process alive meanwhile.
   *
   * @throws CancelationError as soon as the operation is canceled
   */
  sleep(duration: Duration): Promise<void> {
    return sleepIn(
      placeIn(this.#state),
      parseDuration(duration, 'operation.sleep()', { zero: true }),
    );
  }

  /**
   * Runs a cleanup when the operation ends, whatever the outcome, which it is told: last added,
   * first run, one after the other, under a token that is not canceled. The caller waits for them.
   * At once if the operation has ended.
   *
   * @returns takes it back
   * @example
   * operation.defer(({ status }) => (status === 'completed' ? file.keep() : file.remove()));
   */
  defer(cleanup: Cleanup): () => void {
    const state = this.#state;
    if (state.outcome !== undefined) {
      runCleanupNow(state, cleanup);
      return () => {};
    }
    const cleanups = (state.ensureExtras().cleanups ??= []);
    const entry: Cleanup = (outcome) => cleanup(outcome);
    cleanups.push(entry);
    return () => {
      const index = cleanups.lastIndexOf(entry);
      if (index >= 0) cleanups.splice(index, 1);
    };
  }

  /**
   * Moves its own deadline: so long from now, never past an ancestor's.
   *
   * @param duration milliseconds or with a unit
   * @returns the deadline in effect
   */
  extend(duration: Duration): Date {
    const state = this.#state;
    const delay = underCeiling(state, parseDuration(duration, 'operation.extend()'));
    const now = monotonicNow();
    if (state.outcome === undefined && state.record === undefined) {
      if (state.extras !== undefined) state.extras.wallDeadline = undefined;
      state.setDeadline(delay, now);
    }
    return new Date(wallTimeAt(state.limit ?? now + delay));
  }

  /** Hears the reports of this operation and its descendants. @returns removes the listener */
  onProgress(listener: ProgressListener): () => void {
    if (this.#state.outcome !== undefined) return () => {};
    const listeners = (this.#state.ensureExtras().progressListeners ??= new Set());
    const entry: ProgressListener = (progress) => listener(progress);
    listeners.add(entry);
    return () => void listeners.delete(entry);
  }

  /** Called when it is canceled; at once if it is. @returns removes the listener */
  onCancel(listener: CancelListener): () => void {
    return this.#state.addListener(listener);
  }

  /** Called when everything is over; at once if it is. @returns removes the listener */
  onSettled(listener: (operation: Operation) => unknown): () => void {
    const state = this.#state;
    if (state.outcome !== undefined) {
      state.callSafely('A settled listener', listener, this);
      return () => {};
    }
    const listeners = (state.ensureExtras().settledListeners ??= new Set());
    const entry = () => listener(this);
    listeners.add(entry);
    return () => void listeners.delete(entry);
  }

  /** Everything about it as plain data, for those who may see all: operators, logs. */
  snapshot(): OperationSnapshot {
    return snapshotOf(this.#state);
  }

  /** @internal What `console.log` shows. */
  [INSPECT](...call: InspectCall): string {
    const facts = () => {
      const { id, name, status, endedAt, token } = this;
      const { record } = this.#state;
      const time = formatDuration(Math.round(this.duration));
      return {
        id,
        name,
        status,
        ...(record === undefined ? undefined : { reason: record.reason }),
        ...(endedAt === undefined ? { age: time } : { duration: time }),
        ...(token.deadline === undefined ? undefined : { deadline: token.deadline }),
      };
    };
    return inspectAs(this, facts, ...call);
  }

  /**
   * Gives what anybody may know, so that an operation that a controller returns gives nothing else
   * away.
   */
  toJSON(): PublicOperation {
    return publicView(this.#state);
  }
}

defineFacade((state) => Operation.of(state));
