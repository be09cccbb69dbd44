import type { SubjectLog } from '../operation/operation-log.js';
import { Operation } from '../operation/operation.js';
import type { OperationState } from '../operation/operation-state.js';
import { describeError, stackOf } from '../scope/describe-error.js';
import { SaidOnce } from '../scope/said-once.js';

/** What users say of operations that are not worth telling of. */
export type Ignore = (operation: Operation) => boolean;

/** What is asked of each operation in their place. */
export type Ignores = (state: OperationState) => boolean;

/** For users who say nothing. */
export const ignoresNothing: Ignores = () => false;

/**
 * Asks once for each operation. One that cannot be judged is told of, and the failure is logged, once
 * for each name.
 *
 * @param where the place of the option, for the message
 */
export function ignoring(ignore: Ignore | undefined, log: SubjectLog, where: string): Ignores {
  if (ignore === undefined) return ignoresNothing;
  const answers = new WeakMap<OperationState, boolean>();
  const failures = new SaidOnce();
  const ask = (state: OperationState): boolean => {
    try {
      return Boolean(ignore(Operation.of(state)));
    } catch (error) {
      // It fails for each operation of the name.
      if (failures.isFirst(log, state.name)) {
        log.error(
          `${where} failed for ${state.name}: ${describeError(error)}`,
          stackOf(error),
          state,
        );
      }
      return false;
    }
  };
  return (state) => {
    let answer = answers.get(state);
    if (answer === undefined) {
      answer = ask(state);
      answers.set(state, answer);
    }
    return answer;
  };
}
