import type { Observable } from 'rxjs';
import { Held } from '../operation/held.js';
import type { CallOptions } from '../operation/operation-plan.js';
import type { OperationState } from '../operation/operation-state.js';
import { callBody, enterBody, giveUp, outcomeOf, runPrepared } from '../operation/run.js';
import { settleOperation } from '../operation/settle-operation.js';
import { needsPreparation, prepareOperation } from '../operation/start-conditions.js';
import { startOperation } from '../operation/start-operation.js';
import { resumeFirst, suspendOperation } from '../operation/suspend.js';
import type { ContextCell } from '../scope/context.js';
import { onFreshStack } from '../scope/stack-room.js';
import { adoptResult } from './adopted-results.js';
import type { CancelableRuntime } from './cancelable-runtime.js';
import { type JobCall, jobOptions } from './job-call.js';
import {
  operateIterable,
  operateIterator,
  operateObservable,
  type OperationProvider,
  providerOf,
  shapeOf,
} from './lazy-results.js';
import type { MethodDefinition } from './method-definition.js';
import type { MethodPlan } from './method-plan.js';
import { iterableAfter, observableAfter } from './prepared-results.js';

/** One call of a decorated method, which becomes an operation of its own. */
export class MethodCall {
  private options: CallOptions | undefined = undefined;

  constructor(
    private readonly method: MethodDefinition,
    private readonly runtime: CancelableRuntime,
    private readonly plan: MethodPlan,
    /** Where the call comes from. */
    private readonly context: ContextCell | undefined,
    private readonly self: object,
    private readonly args: unknown[],
    private readonly job: JobCall | undefined = undefined,
  ) {}

  /** Starts the operation and calls the method in it. */
  run(): unknown {
    let state: OperationState | Held<OperationState>;
    try {
      if (this.plan.functions !== undefined || this.job !== undefined) this.readOptions();
      state = startOperation(this.runtime.live, this.plan.operation, this.context, this.options);
    } catch (error) {
      return Promise.reject(error);
    }
    if (state instanceof Held) return this.outcomeOf(state);
    if (this.job !== undefined) this.job.state = state;
    let result: unknown;
    try {
      const { method, self, args, options } = this;
      method.fillParameters(args, state);
      if (needsPreparation(this.plan.operation, options)) {
        return runPrepared(state, options, method.original, self, args);
      }
      result = enterBody(state, method.original, self, args);
      return state.promise === undefined ? this.finishLater(state, result) : result;
    } catch (error) {
      const begun = state;
      const given = result;
      void onFreshStack.then(() => giveUp(begun, given, error));
      throw error;
    }
  }

  /**
   * The kind of the result is known: each consumer calls the method, in an operation of its own.
   */
  runLazily(): unknown {
    const provider = providerOf(() => {
      this.readOptions();
      return this.start();
    });
    return this.method.known === 'observable'
      ? this.observable(provider)
      : this.generator(provider);
  }

  private outcomeOf(held: Held<OperationState>): Promise<unknown> {
    return outcomeOf(held, () => this.run());
  }

  private readOptions(): void {
    const { method, plan, self, args, job } = this;
    const options = method.callOptions(plan, self, args);
    this.options =
      job === undefined
        ? options
        : jobOptions(job.args, options, plan.operation.sources, this.runtime.live);
  }

  private start(): OperationState | Held<OperationState> {
    return startOperation(this.runtime.live, this.plan.operation, this.context, this.options);
  }

  /** The method gave no promise: something to consume, a stream that flows, or just a value. */
  private finishLater(state: OperationState, result: unknown): unknown {
    const shape = shapeOf(result);
    if (shape === 'observable' || shape === 'iterable') {
      suspendOperation(state);
      const provider = providerOf(resumeFirst(state, () => this.start()));
      return shape === 'observable'
        ? operateObservable(provider, () => result as Observable<unknown>)
        : operateIterable(provider, () => result as AsyncIterable<unknown>);
    }
    const adopted = adoptResult(state, result);
    if (adopted !== undefined) return adopted.value;
    const settled = settleOperation(state, true, result);
    return settled instanceof Promise && settled !== result ? result : settled;
  }

  private observable(provider: OperationProvider): Observable<unknown> {
    return operateObservable(provider, (state) => {
      const source = () => this.call(state) as Observable<unknown>;
      return observableAfter(this.prepare(state), source);
    });
  }

  private generator(provider: OperationProvider): AsyncGenerator<unknown> {
    return operateIterator(provider, (state) => {
      const source = () => this.call(state) as AsyncIterable<unknown>;
      return iterableAfter(this.prepare(state), source);
    });
  }

  private prepare(state: OperationState): Promise<boolean> | undefined {
    const { options } = this;
    return needsPreparation(this.plan.operation, options)
      ? prepareOperation(state, options)
      : undefined;
  }

  /** Calls the method for one consumer, with parameters of its own. */
  private call(state: OperationState): unknown {
    const args = [...this.args];
    this.method.fillParameters(args, state);
    return callBody(state, this.method.original, this.self, args);
  }
}
