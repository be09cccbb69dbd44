import { facadeOf } from './operation-facade.js';
import { startUnkeyed } from './start-operation.js';
import type { OperationState } from './operation-state.js';
import { placeIn } from './current-place.js';
import { planOf } from './operation-plan.js';
import { giveUp, runBody } from './run.js';
import { onFreshStack } from '../scope/stack-room.js';
import type { CancelationToken } from '../scope/token.js';

/**
 * Makes each call of a function an attempt: a child of the operation, with a token and a timeout
 * of its own. Once the operation is canceled, no further attempt runs.
 */
export function wrapAttempts<Args extends readonly unknown[], Result>(
  operation: OperationState,
  fn: (...args: [...Args, CancelationToken]) => Result | PromiseLike<Result>,
  timeout: number | undefined,
): (...args: Args) => Promise<Awaited<Result>> {
  const { host } = operation;
  const name = fn.name === '' ? `${operation.name} attempt` : fn.name;
  const plan = planOf(
    { name, ...(timeout === undefined ? undefined : { timeout }) },
    (each, kind) => host.countersOf(each, kind),
  );
  return (...args) => {
    let state: OperationState;
    try {
      state = startUnkeyed(host, plan, placeIn(operation).cell);
    } catch (error) {
      return Promise.reject(error);
    }
    try {
      const { token } = facadeOf(state) as { token: CancelationToken };
      return runBody(state, () => fn(...args, token), undefined, []) as Promise<Awaited<Result>>;
    } catch (error) {
      void onFreshStack.then(() => giveUp(state, undefined, error));
      throw error;
    }
  };
}
