import type { LogSubject, SubjectLog } from '../operation/operation-log.js';
import type { OperationState } from '../operation/operation-state.js';
import type { OperationEvents, OperationMoment } from '../registry/operation-events.js';
import { describeError, stackOf } from '../scope/describe-error.js';

/** Takes what an SDK has thrown: a processor, sampler or view of the user's may fail. */
export type OnFailure = (error: unknown, subject: LogSubject) => void;

/**
 * Logs the first failure of an extension: what fails once fails for each operation.
 *
 * @param where whose failure it is, for the message
 */
export function loggingOnce(log: SubjectLog, where: string): OnFailure {
  let isSaid = false;
  return (error, subject) => {
    if (isSaid) return;
    isSaid = true;
    log.error(
      `${where} failed for ${subject.name}, further failures are not logged: ${describeError(error)}`,
      stackOf(error),
      subject,
    );
  };
}

/** Tells somebody who may throw of operations: none must change because it is told of. */
export function safely<Subject extends LogSubject>(
  tell: (subject: Subject) => void,
  onFailure: OnFailure,
): (subject: Subject) => void {
  return (subject) => {
    try {
      tell(subject);
    } catch (error) {
      onFailure(error, subject);
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
  type: OperationMoment,
  tell: (state: OperationState) => void,
  onFailure: OnFailure,
): () => void {
  return events.observe(type, safely(tell, onFailure));
}
