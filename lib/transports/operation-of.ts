import { Operation } from '../operation/operation.js';
import type { OperationState } from '../operation/operation-state.js';

const operations = new WeakMap<object, OperationState | WeakRef<OperationState>>();

/** The canceled operations of calls, by what lives as long as a call: a request, for one. */
const failures = new WeakMap<object, OperationState>();

/**
 * A call failed. What tells of a cancel (the cancelation, the exception made of it), and is kept by
 * somebody, must not keep its operation.
 *
 * @param subject lives as long as the call does
 */
export function rememberFailure(error: unknown, state: OperationState, subject?: object): void {
  if (typeof error !== 'object' || error === null) return;
  const { record } = state;
  operations.set(error, record === undefined ? state : new WeakRef(state));
  if (record !== undefined && subject !== undefined) failures.set(subject, state);
}

/**
 * The operation of the call that failed with an error: for exception filters, which run outside of
 * it. Of a request, a message, a resolver's call; errors of any kind, as the handler threw them and
 * as the filter gets them.
 *
 * @returns `undefined` for what is no error of a call, and for calls that had no operation: those
 * of undecorated handlers that never needed one
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
