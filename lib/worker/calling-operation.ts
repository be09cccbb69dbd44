import type { CancelationError } from '../scope/cancelation-error.js';
import { createCancelationError } from '../scope/cancelation-reasons.js';
import { currentCell } from '../scope/context.js';
import { Operation } from '../operation/operation.js';
import type { OperationState } from '../operation/operation-state.js';
import type { Scope } from '../scope/scope.js';

/** For whom work outside of this thread is done. */
export interface CallingOperation {
  /** What cancels it: the operation, or the shield that the call stands in. */
  readonly scope: Scope;
  readonly state: OperationState;
}

/**
 * The operation that calls; `undefined` outside of one.
 *
 * @throws CancelationError in a canceled scope: nothing is started
 */
export function callingOperation(): CallingOperation | undefined {
  const cell = currentCell();
  const scope = cell?.resolve();
  if (scope === undefined) {
    if (cell?.canceled === true) throw createCancelationError('parent', 'parent was canceled', {});
    return undefined;
  }
  scope.checkClock();
  if (scope.isCanceled()) throw scope.error();
  const state = scope.operation() as OperationState | undefined;
  return state === undefined ? undefined : { scope, state };
}

/**
 * Calls once when the caller's work is to stop: it was canceled, or its operation has ended without
 * waiting for it.
 *
 * @returns lets go
 */
export function follow(
  { scope, state }: CallingOperation,
  what: string,
  stop: (error: CancelationError) => void,
): () => void {
  const node = scope.observe(stop);
  const forget = Operation.of(state).onSettled(() => {
    if (scope.isCanceled()) return stop(scope.error());
    state.host.log.warn(
      `${state.name} ended while ${what} was still running, so that was canceled. To keep such work: await it.`,
      state,
    );
    stop(
      createCancelationError('parent', `parent ${state.name} has ended`, {
        operationId: state.id,
        operationName: state.name,
      }),
    );
  });
  return () => {
    node.remove();
    forget();
  };
}
