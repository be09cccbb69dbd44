import type { Observable } from 'rxjs';
import { cancelScope } from '../core/cancel.js';
import type { CancelOptions } from '../core/cancel-record.js';
import { describeError } from '../core/describe-error.js';
import { currentCell } from '../core/context.js';
import { NotStarted } from '../core/exclusive.js';
import { settleQuietly, startOperation } from '../core/lifecycle.js';
import { OperationConflict } from '../core/operation-errors.js';
import { Operation } from '../core/operation.js';
import type { OperationOptions } from '../core/operation-options.js';
import type { OperationPlan } from '../core/operation-plan.js';
import type { OperationState } from '../core/operation-state.js';
import { prepareOperation } from '../core/prepare.js';
import { checkOptions, operationReaders, planOf, refuse } from '../core/read-options.js';
import { runOperation, runPrepared } from '../core/run.js';
import { readSources, type SourceLike } from '../core/source.js';
import type { OperationSnapshot, OperationTreeNode } from '../core/snapshot.js';
import { cancelWith, userRecord } from '../core/token.js';
import { LiveOperations } from './live-operations.js';
import type { OperationEvent } from './operation-events.js';
import { compileFilter, type OperationFilter } from './operation-filter.js';
import { createHandle, type OperationHandle } from './operation-handle.js';
import { buildTree } from './operation-tree.js';
import { ownChain } from './own-chain.js';
import { type OperationMessage, watchOperation } from './operation-watch.js';
import { type OperationRegistryOptions, readRegistryOptions } from './registry-options.js';
import type { OperationStatistics } from './statistics.js';

/** Names are meant to be few; if they are not, the rest is not remembered. */
const MOST_PLANS = 500;

const RUN_READERS = { ...operationReaders, sources: readSources };

/**
 * What `run`, `spawn` and `start` take.
 *
 * @publicApi
 */
export interface RunOptions extends OperationOptions<Operation> {
  /** What else may cancel it. Default: nothing. */
  sources?: readonly SourceLike[];
}

/**
 * @publicApi
 */
export type OperationBody<Result> = (operation: Operation) => Result | PromiseLike<Result>;

/**
 * All operations of one application: begins, finds, watches and cancels them. Injectable wherever
 * `CancelableModule` is imported; `new OperationRegistry()` in tests and scripts.
 *
 * @example
 * constructor(private readonly operations: OperationRegistry) {}
 *
 * stop(user: User) {
 *   return this.operations.cancelAll({ metadata: { owner: user.id } }, { requestedBy: user.id });
 * }
 * @publicApi
 */
export class OperationRegistry {
  readonly #live: LiveOperations;
  /** Of operations that are given by name alone. */
  readonly #plans = new Map<string, OperationPlan>();

  /** @throws TypeError when an option is not valid */
  constructor(options: OperationRegistryOptions = {}) {
    this.#live =
      pendingLive ?? new LiveOperations(readRegistryOptions(options, 'new OperationRegistry()'));
    pendingLive = undefined;
  }

  /** @internal */
  static over(live: LiveOperations): OperationRegistry {
    pendingLive = live;
    return new OperationRegistry();
  }

  /** @internal */
  static liveOf(registry: OperationRegistry): LiveOperations {
    return registry.#live;
  }

  /** Everything that happens. A subscriber that throws is logged and changes nothing. */
  get events$(): Observable<OperationEvent> {
    return this.#live.events.stream$;
  }

  /**
   * Runs a function as an operation, below the current one.
   *
   * @throws CancelationError when it is canceled; OperationConflict, OperationLimit; what it throws
   * @example
   * await operations.run({ name: 'nightly', timeout: '1h' }, (operation) => sync(operation.signal));
   */
  run<Result>(options: RunOptions | string, fn: OperationBody<Result>): Promise<Awaited<Result>> {
    const plan = this.#plan(options, 'run');
    checkBody(fn, 'run');
    return runOperation(this.#live, plan, (state) => fn(Operation.of(state)), callOf(options));
  }

  /**
   * Begins an operation that nobody waits for. With `exclusive` and `skip` or `join`, gives the
   * operation that holds the key. It outlives the current one, whose metadata and tags
   * it inherits. A failure is logged; `operation.result` has the outcome.
   *
   * @throws OperationConflict, OperationLimit
   */
  spawn<Result>(options: RunOptions | string, fn: OperationBody<Result>): Operation {
    const plan = { ...this.#plan(options, 'spawn'), detached: true };
    checkBody(fn, 'spawn');
    let state: OperationState;
    try {
      state = startOperation(this.#live, plan, currentCell(), callOf(options));
    } catch (error) {
      if (error instanceof NotStarted) return Operation.of(error.holder);
      throw error;
    }
    const operation = Operation.of(state);
    runPrepared(state, undefined, () => fn(operation), undefined, []).catch((error: unknown) => {
      if (state.outcome === 'failed') {
        this.#live.log.error(
          `${state.name} failed: ${describeError(error)}`,
          error instanceof Error ? error.stack : undefined,
        );
      }
    });
    return operation;
  }

  /** Begins an operation whose end you decide. Disposing of it completes it. */
  start(options: RunOptions | string): OperationHandle {
    const plan = this.#plan(options, 'start');
    let state: OperationState;
    try {
      state = startOperation(this.#live, plan, currentCell(), callOf(options));
    } catch (error) {
      if (!(error instanceof NotStarted)) throw error;
      throw new OperationConflict(`${plan.name} is running already for this key`);
    }
    try {
      return createHandle(state, prepareOperation(state, undefined));
    } catch (error) {
      void settleQuietly(state, false, error);
      throw error;
    }
  }

  /** A live operation. */
  get(id: string): Operation | undefined {
    const state = this.#live.get(id);
    return state === undefined ? undefined : Operation.of(state);
  }

  /** An operation that is live or remembered, as plain data. */
  find(id: string): OperationSnapshot | undefined {
    return this.get(id)?.snapshot() ?? this.#live.history.find(id);
  }

  /** The live operations, oldest first. */
  list(filter?: OperationFilter): Operation[] {
    if (filter === undefined) return this.#live.all();
    return this.#states(filter, 'list').map((state) => Operation.of(state));
  }

  /** The live operations, nested below their parents. */
  tree(filter?: OperationFilter): OperationTreeNode[] {
    return buildTree(this.#states(filter, 'tree'));
  }

  /**
   * Cancels one and everything below it.
   *
   * @returns true if this call was the one that canceled it
   */
  cancel(id: string, options?: CancelOptions): boolean {
    const state = this.#live.get(id);
    return state !== undefined && cancelWith(state, options);
  }

  /**
   * Cancels all that match when it is called, except the operation it is called from and its
   * ancestors.
   *
   * @param filter `{}`: all
   * @returns how many of the matches this call canceled, directly or through a parent
   * @throws TypeError without a filter, or when a key of it is undefined
   */
  cancelAll(filter: OperationFilter, options: CancelOptions = {}): number {
    if (filter === undefined) {
      throw new TypeError('cancelAll() needs a filter; {} means all operations');
    }
    const spared = ownChain();
    const matches = this.#states(filter, 'cancelAll');
    const targets = spared.size === 0 ? matches : matches.filter((state) => !spared.has(state));
    const record = userRecord(options);
    let canceled = 0;
    for (const state of targets) {
      if (state.record === undefined) {
        if (cancelScope(state, record)) canceled++;
      } else if (state.record.isAfter(record)) {
        canceled++;
      }
    }
    return canceled;
  }

  /** The operations that ended, oldest first: at most `history.limit` of them. */
  history(filter?: OperationFilter): OperationSnapshot[] {
    return this.#live.history.list(compileFilter(filter, 'history()'));
  }

  /** Forgets ended operations. @returns how many */
  clearHistory(filter?: OperationFilter): number {
    return this.#live.history.clear(compileFilter(filter, 'clearHistory()'));
  }

  /** Whether the application shuts down, and takes no new work. */
  get draining(): boolean {
    return this.#live.phase !== 'open';
  }

  statistics(): OperationStatistics {
    return this.#live.readStatistics();
  }

  /**
   * Follows one operation: its present state, then every progress, then the outcome and the end.
   * A remembered operation replays its outcome; an unknown one errors with `OperationNotFound`.
   *
   * @example
   * \@Sse('imports/:id')
   * progress(@Param('id') id: string) { return this.operations.watch(id); }
   */
  watch(id: string): Observable<OperationMessage> {
    return watchOperation(this.#live, id);
  }

  /**
   * Resolves once no operation that matches is live, those that still stop included. Called inside
   * of an operation, that one and its ancestors do not count.
   */
  whenIdle(filter?: OperationFilter): Promise<void> {
    return this.#live.whenIdle(compileFilter(filter, 'whenIdle()'), ownChain());
  }

  #states(filter: OperationFilter | undefined, method: string): OperationState[] {
    return this.#live.list(compileFilter(filter, `${method}()`));
  }

  #plan(options: RunOptions | string, method: string): OperationPlan {
    const counters = (name: string) => this.#live.countersOf(name);
    if (typeof options !== 'string') {
      checkOptions(options, `registry.${method}()`, RUN_READERS);
      const { sources } = options;
      const plan = planOf(options, counters);
      return sources === undefined ? plan : { ...plan, sources };
    }
    let plan = this.#plans.get(options);
    if (plan === undefined) {
      checkOptions({ name: options }, `registry.${method}()`);
      plan = planOf({ name: options }, counters);
      if (this.#plans.size < MOST_PLANS) this.#plans.set(options, plan);
    }
    return plan;
  }
}

/** How `OperationRegistry.over` hands over what it stands on. */
let pendingLive: LiveOperations | undefined;

function checkBody(fn: unknown, method: string): void {
  if (typeof fn !== 'function') refuse(`registry.${method}(): what to run`, fn, 'a function');
}

function callOf(options: RunOptions | string): { id: string } | undefined {
  return typeof options === 'string' || options.id === undefined ? undefined : { id: options.id };
}
