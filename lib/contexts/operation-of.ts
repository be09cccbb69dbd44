import { isCancelation } from '../core/cancelation-error.js';
import { Operation } from '../core/operation.js';
import type { OperationState } from '../core/operation-state.js';

const operations = new WeakMap<object, OperationState | WeakRef<OperationState>>();

/** A call failed. A cancelation that somebody keeps must not keep its operation. */
export function rememberFailure(error: unknown, state: OperationState): void {
  if (typeof error !== 'object' || error === null) return;
  operations.set(error, isCancelation(error) ? new WeakRef(state) : state);
}

/**
 * The operation of the call that failed with an error: for exception filters, which run outside of
 * it. Of a request, a message, a resolver's call; errors of any kind, as the handler threw them and
 * as the filter gets them.
 *
 * @returns `undefined` for what is no error of a call, and for calls that had no operation: those of
 * undecorated handlers that never needed one
 * @example
 * \@Catch()
 * export class FailureFilter extends BaseExceptionFilter {
 *   override catch(error: unknown, host: ArgumentsHost) {
 *     const operation = operationOf(error);
 *     this.log.error({ error, operation: operation?.id, owner: operation?.metadata.owner });
 *     super.catch(error, host);
 *   }
 * }
 * @publicApi
 */
export function operationOf(error: unknown): Operation | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const found = operations.get(error);
  const state = found instanceof WeakRef ? found.deref() : found;
  return state === undefined ? undefined : Operation.of(state);
}
