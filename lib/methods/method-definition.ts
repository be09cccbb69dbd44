import { from, isObservable, mergeMap, type Observable, of, throwError } from 'rxjs';
import { type ContextCell, currentCell } from '../scope/context.js';
import { NotStarted } from '../operation/exclusive.js';
import { applyCall, retime, settleOperation, startOperation } from '../operation/lifecycle.js';
import type { CallOptions, ExclusiveCall } from '../operation/operation-plan.js';
import type { OperationState } from '../operation/operation-state.js';
import { isThenable } from '../scope/thenable.js';
import { needsPreparation, prepareOperation } from '../operation/start-conditions.js';
import { callBody, enterBody, giveUp, outcomeOf, runPrepared } from '../operation/run.js';
import { onFreshStack } from '../scope/stack-room.js';
import {
  borrowed,
  borrowingIterable,
  operateIterable,
  operateIterator,
  operateObservable,
  shapeOf,
  providerOf,
} from './lazy-results.js';
import { refuseAboveCeiling } from '../operation/max-timeout.js';
import { bare } from '../scope/plain-object.js';
import { suspendOperation, resumeFirst } from '../operation/suspend.js';
import type { CancelableOptions } from './cancelable-options.js';
import { type CancelableRuntime, runtimeOf } from './cancelable-runtime.js';
import { adoptResult } from './adopted-results.js';
import { isJobCall, type JobArguments, JobCall, jobOptions } from './job-call.js';
import { triggerOf, type MethodTrigger } from './method-trigger.js';
import { type AnyFunction, isHandler } from './method-metadata.js';
import { sayModuleIsMissing } from './missing-module.js';
import { checkJoin } from './method-inputs.js';
import { callOptions, createMethodPlan, mergeOptions, type MethodPlan } from './method-plan.js';
import { fillParameters, parametersOf } from './parameters.js';

/** What is known of a method's result before it is called. */
type KnownResult = 'generator' | 'observable' | 'unknown';

/**
 * A context that was made for one handler: the request's operation, which a decorated handler
 * takes over instead of beginning a second one.
 */
export interface HandlerCell extends ContextCell {
  /** Follows the handler's promise: the caller is let go with the operation. */
  followHandler(body: Promise<unknown>): Promise<unknown>;
  /** The handler has an id of its own. */
  renamed(): void;
  /** The handler has set its own deadline, which no default moves. */
  retimed(): void;
}

/** One decorated method: how it becomes an operation each time it is called. */
export class MethodDefinition {
  readonly where: string;
  /** Options of the class decorator, which runs after those of the methods. */
  classOptions: CancelableOptions | undefined = undefined;
  /** What stands on the prototype in place of the method. */
  wrapper: object | undefined = undefined;
  private readonly known: KnownResult;
  private readonly parameters: ReturnType<typeof parametersOf>;
  private plans = new WeakMap<CancelableRuntime, MethodPlan>();
  private lastRuntime: CancelableRuntime | undefined = undefined;
  /** The log says that the module is missing. */
  private isModuleMissed = false;
  private lastPlan: MethodPlan | undefined = undefined;

  constructor(
    readonly prototype: object,
    readonly key: string | symbol,
    readonly original: AnyFunction,
    readonly options: CancelableOptions,
    readonly name: string,
  ) {
    this.where = `@Cancelable() on ${name}`;
    this.parameters = parametersOf(prototype, key);
    this.known = knownResult(prototype, key, original);
  }

  setClassOptions(options: CancelableOptions): void {
    this.classOptions = options;
    this.plans = new WeakMap();
    this.lastRuntime = undefined;
  }

  /** The options as they hold in an application, without what its module says. */
  mergedOptions(runtime: CancelableRuntime): CancelableOptions {
    const { options, classOptions, where } = this;
    const merged = mergeOptions([
      options,
      runtime.policy(options.policy, where),
      classOptions,
      runtime.policy(classOptions?.policy, where),
    ]);
    checkJoin(merged, this.original, new Set(this.parameters.map(([index]) => index)), where);
    refuseAboveCeiling(merged.timeout, runtime.live.maxTimeout, `${where}: timeout`);
    return merged;
  }

  planFor(runtime: CancelableRuntime): MethodPlan {
    if (runtime === this.lastRuntime) return this.lastPlan as MethodPlan;
    let plan = this.plans.get(runtime);
    if (plan === undefined) {
      plan = this.createPlan(runtime);
      this.plans.set(runtime, plan);
    }
    this.lastRuntime = runtime;
    this.lastPlan = plan;
    return plan;
  }

  private createPlan(runtime: CancelableRuntime): MethodPlan {
    const options = this.mergedOptions(runtime);
    const entry = this.wrapper && triggerOf(this.prototype, this.key, this.wrapper);
    const {
      kind = 'method',
      name = this.name,
      onShutdown = 'drain',
    } = bare<Partial<MethodTrigger>>(entry ?? {});
    const plan = createMethodPlan(options, { name, kind, onShutdown }, (each) =>
      runtime.live.countersOf(each, true),
    );
    return { ...plan, operation: { ...plan.operation, adopt: adoptResult } };
  }

  /** The method is called. */
  invoke(self: object, args: unknown[]): unknown {
    const cell = currentCell();
    const claimed = cell?.claim(this) as OperationState | undefined;
    if (claimed !== undefined) return this.handle(cell as HandlerCell, claimed, self, args);
    const runtime = runtimeOf(self);
    if (runtime.isStandalone && !this.isModuleMissed && isHandler(this.wrapper as object)) {
      this.isModuleMissed = sayModuleIsMissing(this.name);
    }
    const plan = this.planFor(runtime);
    if (this.known !== 'unknown') return this.invokeLazily(runtime, plan, cell, self, args);
    if (plan.operation.kind === 'job' && isJobCall(args)) {
      const job = new JobCall([...args] as unknown as JobArguments);
      const outcome = this.begin(runtime, plan, cell, self, args, job);
      return runtime.jobs?.follow(job, Promise.resolve(outcome)) ?? outcome;
    }
    return this.begin(runtime, plan, cell, self, args, undefined);
  }

  private begin(
    runtime: CancelableRuntime,
    plan: MethodPlan,
    cell: ContextCell | undefined,
    self: object,
    args: unknown[],
    job: JobCall | undefined,
  ): unknown {
    let state: OperationState;
    let call: CallOptions | undefined;
    try {
      call = this.callOptions(plan, self, args);
      if (job !== undefined) {
        call = jobOptions(job.args, call, plan.operation.sources, runtime.live);
      }
      state = startOperation(runtime.live, plan.operation, cell, call);
      if (job !== undefined) job.state = state;
    } catch (error) {
      if (!(error instanceof NotStarted)) return Promise.reject(error);
      return outcomeOf(error, () => this.begin(runtime, plan, cell, self, args, job));
    }
    let result: unknown;
    try {
      if (this.parameters.length > 0) fillParameters(args, this.parameters, state);
      if (needsPreparation(plan.operation, call)) {
        return runPrepared(state, call, this.original, self, args);
      }
      result = enterBody(state, this.original, self, args);
      if (state.promise !== undefined) return result;
      return this.finishLater(state, result, () =>
        startOperation(runtime.live, plan.operation, cell, call),
      );
    } catch (error) {
      void onFreshStack.then(() => giveUp(state, result, error));
      throw error;
    }
  }

  /**
   * It gave no promise: something to consume, a stream that flows, or just a value.
   *
   * @param beginAnother for each consumer after the first
   */
  private finishLater(
    state: OperationState,
    result: unknown,
    beginAnother: () => OperationState,
  ): unknown {
    const shape = shapeOf(result);
    if (shape === 'observable' || shape === 'iterable') {
      suspendOperation(state);
      const provider = providerOf(resumeFirst(state, beginAnother));
      return shape === 'observable'
        ? operateObservable(provider, () => result as Observable<unknown>)
        : operateIterable(provider, () => result as AsyncIterable<unknown>);
    }
    const adopted = adoptResult(state, result);
    if (adopted !== undefined) return adopted.value;
    const settled = settleOperation(state, true, result);
    return settled instanceof Promise && settled !== result ? result : settled;
  }

  /** The kind is known: each consumer calls the method, inside an operation of its own. */
  private invokeLazily(
    runtime: CancelableRuntime,
    plan: MethodPlan,
    cell: ContextCell | undefined,
    self: object,
    args: unknown[],
  ): unknown {
    let call: CallOptions | undefined;
    const provider = providerOf(() => {
      call = this.callOptions(plan, self, args);
      return startOperation(runtime.live, plan.operation, cell, call);
    });
    const open = (state: OperationState): unknown => {
      const own = [...args];
      if (this.parameters.length > 0) fillParameters(own, this.parameters, state);
      return callBody(state, this.original, self, own);
    };
    const prepared = (state: OperationState) =>
      needsPreparation(plan.operation, call) ? prepareOperation(state, call) : undefined;
    return this.known === 'observable'
      ? operateObservable(provider, (state) => {
          const pending = prepared(state);
          const source = () => open(state) as Observable<unknown>;
          return pending === undefined ? source() : from(pending).pipe(mergeMap(source));
        })
      : operateIterator(provider, (state) => {
          const pending = prepared(state);
          const source = () => open(state) as AsyncIterable<unknown>;
          return pending === undefined ? source() : after(pending, source);
        });
  }

  /** The method is a handler: it runs as the request's operation, which the transport settles. */
  private handle(cell: HandlerCell, state: OperationState, self: object, args: unknown[]): unknown {
    const plan = this.planFor(runtimeOf(self));
    try {
      const call = this.callOptions(plan, self, args);
      if (call !== undefined) {
        applyCall(state, call);
        if (retime(state, state.plan, call)) cell.retimed();
        if (call.id !== undefined) cell.renamed();
      }
      return this.enter(cell, state, call, self, args);
    } catch (error) {
      return this.known === 'observable' ? throwError(() => error) : Promise.reject(error);
    }
  }

  /** All is known of the request's operation: its turn, then the method. */
  private enter(
    cell: HandlerCell,
    state: OperationState,
    call: CallOptions | undefined,
    self: object,
    args: unknown[],
  ): unknown {
    const { operation } = this.planFor(runtimeOf(self));
    const exclusive = call?.exclusive ?? operation.exclusive;
    try {
      if (exclusive !== undefined) holdKey(state, exclusive);
    } catch (error) {
      if (!(error instanceof NotStarted)) throw error;
      const outcome = outcomeOf(error, () => this.enter(cell, state, call, self, args));
      return this.known === 'observable' ? from(outcome).pipe(mergeMap(toObservable)) : outcome;
    }
    if (this.parameters.length > 0) fillParameters(args, this.parameters, state);
    if (needsPreparation(operation, call)) {
      const pending = prepareOperation(state, call);
      const body = () => this.callHandler(cell, state, self, args);
      if (pending !== undefined) return cell.followHandler(pending.then(body));
    }
    const result = this.callHandler(cell, state, self, args);
    if (result instanceof Promise) return cell.followHandler(result);
    if (isThenable(result)) return cell.followHandler(Promise.resolve(result));
    return lendResult(state, result);
  }

  /** The context of a call is that of its handler: there is nothing to enter. */
  private callHandler(
    cell: HandlerCell,
    state: OperationState,
    self: object,
    args: unknown[],
  ): unknown {
    if (state.record !== undefined) throw state.error();
    return state.cell === cell
      ? Reflect.apply(this.original, self, args)
      : callBody(state, this.original, self, args);
  }

  private callOptions(
    plan: MethodPlan,
    self: object,
    args: readonly unknown[],
  ): CallOptions | undefined {
    return plan.functions === undefined
      ? undefined
      : callOptions(
          { functions: plan.functions, onConflict: plan.onConflict },
          this.where,
          self,
          args,
        );
  }
}

/** A handler's operation has begun already: it takes its key late. */
function holdKey(state: OperationState, exclusive: ExclusiveCall): void {
  state.host.exclusives.admit(state.name, exclusive, state);
  state.host.exclusives.hold(state, exclusive);
}

function toObservable(value: unknown): Observable<unknown> {
  return isObservable(value) ? value : of(value);
}

async function* after<Item>(
  pending: Promise<void>,
  source: () => AsyncIterable<Item>,
): AsyncGenerator<Item> {
  await pending;
  yield* source();
}

/** What a handler gives to be consumed stops with the request's operation. */
export function lendResult(state: OperationState, result: unknown): unknown {
  switch (shapeOf(result)) {
    case 'observable':
      return operateObservable(borrowed(state), () => result as Observable<unknown>);
    case 'iterable':
      return borrowingIterable(state, result as AsyncIterable<unknown>);
    default:
      return result;
  }
}

function knownResult(prototype: object, key: string | symbol, original: AnyFunction): KnownResult {
  if (original.constructor.name === 'AsyncGeneratorFunction') return 'generator';
  const type = Reflect.getMetadata('design:returntype', prototype, key) as
    { prototype?: unknown } | undefined;
  return isObservable(type?.prototype) ? 'observable' : 'unknown';
}
