import type { SubjectLog } from '../operation/operation-log.js';
import type { OperationState } from '../operation/operation-state.js';
import type { OperationEvents, OperationEventType } from '../registry/operation-events.js';
import { describeError, stackOf } from '../scope/describe-error.js';

/** Takes what an SDK has thrown: a processor, sampler or view of the user's may fail. */
export type OnFailure = (error: unknown, state: OperationState) => void;

/**
 * Logs the first failure of an extension: what fails once fails for each operation.
 *
 * @param where whose failure it is, for the message
 */
export function loggingOnce(log: SubjectLog, where: string): OnFailure {
  let isSaid = false;
  return (error, state) => {
    if (isSaid) return;
    isSaid = true;
    log.error(
      `${where} failed for ${state.name}, further failures are not logged: ${describeError(error)}`,
      stackOf(error),
      state,
    );
  };
}

/** Tells somebody who may throw of operations: none must change because it is told of. */
export function safely(
  tell: (state: OperationState) => void,
  onFailure: OnFailure,
): (state: OperationState) => void {
  return (state) => {
    try {
      tell(state);
    } catch (error) {
      onFailure(error, state);
    }
  };
}

/**
 * Observes operations for somebody who may throw, as {@link safely} tells.
 *
 * @returns stops observing
 */
export function observeSafely(
  events: OperationEvents,
  type: OperationEventType,
  tell: (state: OperationState) => void,
  onFailure: OnFailure,
): () => void {
  return events.observe(type, safely(tell, onFailure));
}
