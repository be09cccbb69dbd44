import { enterCell } from '../scope/context-carrier.js';
import { cancelScope } from '../scope/cancel.js';
import { recordFromError } from '../scope/cancel-record.js';
import { monotonicNow } from '../scope/clock.js';
import type { Cleanup, CleanupOutcome } from '../scope/cleanup.js';
import type { OperationState } from './operation-state.js';
import { arm, disarm, Timed } from '../scope/timers.js';

/**
 * Runs cleanups, last added first, one after the other. Those of a canceled operation have a
 * limit; when it passes, their token is canceled, and nobody waits any longer.
 *
 * @param then called in the very turn in which there are none left
 */
export function runCleanups<Result>(
  state: OperationState,
  cleanups: Cleanup[],
  outcome: Omit<CleanupOutcome, 'token'>,
  then: () => Result,
): Promise<Result> {
  const outcomeWithToken: CleanupOutcome = { ...outcome, token: state.callbackScope().token };
  const run = () => runAll(state, cleanups, outcomeWithToken);
  const rest = (): Result | Promise<Result> => (cleanups.length === 0 ? then() : run().then(rest));
  if (state.record === undefined) return run().then(rest);
  return new Promise((resolve, reject) => {
    let isOver = false;
    const resolveOnce = () => {
      if (isOver) return;
      isOver = true;
      disarm(limit);
      try {
        resolve(then());
      } catch (error) {
        reject(error);
      }
    };
    const limit = new CleanupLimit(state, resolveOnce);
    const last = (): void => {
      if (isOver || cleanups.length === 0) resolveOnce();
      else void run().then(last);
    };
    void run().then(last);
  });
}

/** A late cleanup: the operation is over, so it runs at once. */
export function runCleanupNow(state: OperationState, cleanup: Cleanup): void {
  const { outcome = 'completed', record, cause } = state;
  state.callSafely('A cleanup', cleanup, {
    status: outcome,
    error: cause ?? (record === undefined ? undefined : state.error()),
    token: state.callbackScope().token,
  });
}

async function runAll(
  state: OperationState,
  cleanups: Cleanup[],
  outcomeWithToken: CleanupOutcome,
): Promise<void> {
  for (let cleanup = cleanups.pop(); cleanup !== undefined; cleanup = cleanups.pop()) {
    try {
      await enterCell(state.callbackScope().cell, cleanup, outcomeWithToken);
    } catch (error) {
      state.logFailure('A cleanup', error);
    }
  }
}

class CleanupLimit extends Timed {
  constructor(
    private readonly state: OperationState,
    private readonly giveUp: () => void,
  ) {
    super();
    arm(this, state.host.cleanupLimit, monotonicNow());
  }

  override get timedFor(): OperationState {
    return this.state;
  }

  override expired(): void {
    const { state } = this;
    state.host.log.warn(`The cleanups of ${state.name} took longer than their limit`, state);
    cancelScope(state.callbackScope(), recordFromError(state.error()));
    this.giveUp();
  }
}
