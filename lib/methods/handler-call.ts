import { from, isObservable, mergeMap, type Observable, of, throwError } from 'rxjs';
import type { Held } from '../operation/held.js';
import type { CallOptions, ExclusiveCall } from '../operation/operation-plan.js';
import type { OperationState } from '../operation/operation-state.js';
import { callBody, callBodyHere, outcomeOf } from '../operation/run.js';
import { needsPreparation, prepareOperation } from '../operation/start-conditions.js';
import { applyCall, retime } from '../operation/start-operation.js';
import type { ContextCell } from '../scope/context.js';
import { isThenable } from '../scope/thenable.js';
import { borrowed, borrowingIterable, operateObservable, shapeOf } from './lazy-results.js';
import type { MethodDefinition } from './method-definition.js';
import type { MethodPlan } from './method-plan.js';

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

/**
 * One call of a decorated handler: it runs as the request's operation, which the transport settles.
 */
export class HandlerCall {
  private options: CallOptions | undefined = undefined;

  constructor(
    private readonly method: MethodDefinition,
    private readonly plan: MethodPlan,
    private readonly cell: HandlerCell,
    private readonly state: OperationState,
    private readonly self: object,
    private readonly args: unknown[],
  ) {}

  /** Lays the call's options over the operation, then enters the handler. */
  run(): unknown {
    const { method, cell, state } = this;
    try {
      const { plan } = this;
      const options =
        plan.functions === undefined ? undefined : method.callOptions(plan, this.self, this.args);
      if (options !== undefined) {
        this.options = options;
        applyCall(state, options);
        if (retime(state, state.plan, options)) cell.retimed();
        if (options.id !== undefined) cell.renamed();
      }
      return this.enter();
    } catch (error) {
      return method.known === 'observable' ? throwError(() => error) : Promise.reject(error);
    }
  }

  /** Waits for the turn of the call, then calls the handler. */
  private enter(): unknown {
    const { method, cell, state, options } = this;
    const exclusive = options?.exclusive ?? this.plan.operation.exclusive;
    const held = exclusive === undefined ? undefined : this.take(exclusive);
    if (held !== undefined) {
      const outcome = outcomeOf(held, () => this.enter());
      return method.known === 'observable' ? from(outcome).pipe(mergeMap(toObservable)) : outcome;
    }
    method.fillParameters(this.args, state);
    if (needsPreparation(this.plan.operation, options)) {
      const pending = prepareOperation(state, options);
      if (pending !== undefined) {
        return cell.followHandler(pending.then((runs) => (runs ? this.call() : undefined)));
      }
    }
    const result = this.call();
    if (result instanceof Promise) return cell.followHandler(result);
    if (isThenable(result)) return cell.followHandler(Promise.resolve(result));
    return tieResult(state, result);
  }

  /** The operation has begun already, so it takes its key late. @returns who holds the key */
  private take(exclusive: ExclusiveCall): Held<OperationState> | undefined {
    const { state } = this;
    const held = state.host.exclusives.admit(state.name, exclusive, state);
    if (held === undefined) state.host.exclusives.hold(state, exclusive);
    return held;
  }

  /** The context of a request is that of its handler: there is nothing to enter. */
  private call(): unknown {
    const { method, state, self, args } = this;
    return state.cell === this.cell
      ? callBodyHere(state, method.original, self, args)
      : callBody(state, method.original, self, args);
  }
}

function toObservable(value: unknown): Observable<unknown> {
  return isObservable(value) ? value : of(value);
}

/** Ties a lazy result of a handler to the request's operation, which it stops with. */
export function tieResult(state: OperationState, result: unknown): unknown {
  switch (shapeOf(result)) {
    case 'observable':
      return operateObservable(borrowed(state), () => result as Observable<unknown>);
    case 'iterable':
      return borrowingIterable(state, result as AsyncIterable<unknown>);
    default:
      return result;
  }
}
