import type { Observable } from 'rxjs';
import { cancelOrReached } from '../scope/cancel.js';
import type { CancelOptions } from '../scope/cancel-record.js';
import { describeError, stackOf } from '../scope/describe-error.js';
import { currentCell } from '../scope/context.js';
import { Held } from '../operation/held.js';
import { startOperation } from '../operation/start-operation.js';
import { OperationConflict } from '../operation/operation-errors.js';
import { Operation } from '../operation/operation.js';
import type { OperationPlan } from '../operation/operation-plan.js';
import type { OperationState } from '../operation/operation-state.js';
import { prepareOperation } from '../operation/start-conditions.js';
import { giveUp, runOperation, runPrepared } from '../operation/run.js';
import { onFreshStack } from '../scope/stack-room.js';
import { type PublicOperation, publicView, publicViewOf } from '../operation/public-view.js';
import {
  type OperationSnapshot,
  type OperationTreeNode,
  snapshotOf,
} from '../operation/snapshot.js';
import { cancelWith, userRecord } from '../scope/token.js';
import type { OperationStore } from './operation-store.js';
import { compileFilter, type Matcher, type OperationFilter } from './operation-filter.js';
import { createHandle, type OperationHandle } from './operation-handle.js';
import { buildTree } from './operation-tree.js';
import { ownChain } from './own-chain.js';
import { type OperationMessage, type WatchOptions, watchOperation } from './operation-watch.js';
import { RunPlans } from './run-plans.js';
import { readView, type ViewOptions } from './view-options.js';
import { both, type OperationScope, RegistryScope } from './registry-scope.js';
import {
  callOf,
  checkBody,
  type OperationBody,
  planOfRun,
  type RunOptions,
} from './run-options.js';

/**
 * The operations that a filter matches, and no others: begins, finds, watches and cancels them.
 * Where a client names an id, it keeps the client away from everything else.
 *
 * @example
 * this.imports = operations.scoped({ name: 'import', metadata: { owner: user.id } });
 * this.imports.cancel(id); // false for anything that is not an import of this user's
 * @publicApi
 */
export class ScopedRegistry {
  readonly #live: OperationStore;
  readonly #scope: RegistryScope | undefined;
  readonly #plans = new RunPlans();

  /** @internal */
  constructor(live: OperationStore, scope: RegistryScope | undefined) {
    this.#live = live;
    this.#scope = scope;
  }

  /** @internal */
  static liveOf(registry: ScopedRegistry): OperationStore {
    return registry.#live;
  }

  /**
   * A registry for the operations that match, and no others. To it, an operation outside of the
   * scope does not exist. What it begins is in the scope: it gets its name, kind, tag and metadata.
   *
   * @param filter at least one key, without `limit`; `olderThan` counts from each call
   * @throws TypeError when a key is undefined: a scope never means "all"
   * @example
   * const imports = operations.scoped({ name: 'import' });
   * imports.spawn({ timeout: '10m' }, (operation) => copy(operation));
   */
  scoped(filter: OperationScope): ScopedRegistry {
    return new ScopedRegistry(this.#live, RegistryScope.of(filter, this.#scope));
  }

  /**
   * Runs a function as an operation, below the current one.
   *
   * @throws CancelationError when it is canceled; OperationConflict, OperationLimit; what it throws
   * @example
   * await operations.run({ name: 'nightly', timeout: '1h' }, ({ signal }) => sync(signal));
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
    const state = startOperation(this.#live, plan, currentCell(), callOf(options));
    if (state instanceof Held) return Operation.of(state.holder);
    try {
      const operation = Operation.of(state);
      const outcome = runPrepared(state, undefined, () => fn(operation), undefined, []);
      outcome.catch((error: unknown) => this.#logFailure(state, error));
      return operation;
    } catch (error) {
      void onFreshStack.then(() => giveUp(state, undefined, error));
      throw error;
    }
  }

  #logFailure(state: OperationState, error: unknown): void {
    if (state.outcome !== 'failed') return;
    const stack = stackOf(error);
    this.#live.log.error(`${state.name} failed: ${describeError(error)}`, stack, state);
  }

  /** Begins an operation whose end you decide. Disposing of it completes it. */
  start(options: RunOptions | string): OperationHandle {
    const plan = this.#plan(options, 'start');
    const state = startOperation(this.#live, plan, currentCell(), callOf(options));
    if (state instanceof Held) {
      throw new OperationConflict(`${plan.name} is running already for this key`);
    }
    try {
      return createHandle(state, prepareOperation(state, undefined));
    } catch (error) {
      giveUp(state, undefined, error);
      if (!state.decided) void onFreshStack.then(() => giveUp(state, undefined, error));
      throw error;
    }
  }

  /** A live operation. */
  get(id: string): Operation | undefined {
    const state = this.#find(id);
    return state === undefined ? undefined : Operation.of(state);
  }

  /**
   * An operation that is live or remembered, as plain data.
   *
   * @param options.view `'public'`: what anybody may know, for answers to clients. Default:
   * `'full'`
   * @throws TypeError when an option is not valid
   */
  find(id: string, options: ViewOptions & { readonly view: 'public' }): PublicOperation | undefined;
  /** The whole of an operation that is live or remembered, as plain data. */
  find(id: string, options?: ViewOptions): OperationSnapshot | undefined;
  find(id: string, options?: ViewOptions): PublicOperation | undefined {
    const view = readView(options, 'find()', 'full');
    const state = this.#find(id);
    if (state !== undefined) return view === 'full' ? snapshotOf(state) : publicView(state);
    const remembered = this.#live.history.find(id, this.#matcher(undefined, 'find'));
    return view === 'full' ? remembered : remembered && publicViewOf(remembered);
  }

  /** The live operations, oldest first. */
  list(filter?: OperationFilter): Operation[] {
    if (filter === undefined && this.#scope === undefined) return this.#live.all();
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
    const state = this.#find(id);
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
    const excluded = ownChain();
    const matches = this.#states(filter, 'cancelAll');
    const targets = excluded.size === 0 ? matches : matches.filter((state) => !excluded.has(state));
    const record = userRecord(options);
    let canceled = 0;
    for (const state of targets) if (cancelOrReached(state, record)) canceled++;
    return canceled;
  }

  /** The operations that ended, oldest first: at most `history.limit` of them. */
  history(filter?: OperationFilter): OperationSnapshot[] {
    return this.#live.history.list(this.#matcher(filter, 'history'));
  }

  /**
   * Follows one operation: its present state, then every progress, then the outcome and the end.
   * A remembered operation replays its outcome; an unknown one errors with `OperationNotFound`.
   * Reports are passed on ten times a second at most.
   *
   * Shows what anybody may know: id, name, status, reason, code, progress in numbers and times. An
   * EventSource does not connect again after the outcome; one that does is answered 204.
   *
   * @throws TypeError when an option is not valid
   * @example
   * \@Sse('imports/:id')
   * progress(@Param('id') id: string) { return this.imports.watch(id, { heartbeat: '15s' }); }
   */
  watch(
    id: string,
    options: WatchOptions & { readonly view: 'full' },
  ): Observable<OperationMessage<OperationSnapshot>>;
  /** Follows one operation, and shows what anybody may know. */
  watch(id: string, options?: WatchOptions): Observable<OperationMessage>;
  watch(id: string, options?: WatchOptions): Observable<OperationMessage> {
    return watchOperation(this.#live, id, options, this.#matcher(undefined, 'watch'));
  }

  /**
   * Resolves once no operation that matches is live, those that still stop included. Called inside
   * of an operation, that one and its ancestors do not count.
   */
  whenIdle(filter?: OperationFilter): Promise<void> {
    return this.#live.whenIdle(this.#matcher(filter, 'whenIdle'), ownChain());
  }

  /** The live operation of an id, if it is in the scope. */
  #find(id: string): OperationState | undefined {
    const state = this.#live.get(id);
    if (state === undefined || this.#scope === undefined) return state;
    return this.#scope.matcher().matches(state) ? state : undefined;
  }

  #states(filter: OperationFilter | undefined, method: string): OperationState[] {
    return this.#live.list(this.#matcher(filter, method));
  }

  #matcher(filter: OperationFilter | undefined, method: string): Matcher {
    const matcher = compileFilter(filter, `${method}()`);
    return this.#scope === undefined ? matcher : both(this.#scope.matcher(), matcher);
  }

  #plan(given: RunOptions | string, method: string): OperationPlan {
    const where = `registry.${method}()`;
    const options = this.#scope === undefined ? given : this.#scope.optionsFor(given, where);
    return this.#plans.planOf(options, () => planOfRun(options, this.#live, where));
  }
}
