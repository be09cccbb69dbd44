import { cancelScope, parentRecord } from '../scope/cancel.js';
import { monotonicNow } from '../scope/clock.js';
import type { Held } from './held.js';
import type { ExclusiveCall } from './operation-plan.js';
import { disarm } from '../scope/timers.js';
import type { OperationState } from './operation-state.js';
import type { Scope } from '../scope/scope.js';

const parents = new WeakMap<OperationState, Scope>();
const keys = new WeakMap<OperationState, ExclusiveCall>();

/**
 * The body was called and gave something lazy: until somebody consumes it there is no work, so the
 * operation leaves the list, the tree and the clock, and lets go of its key.
 */
export function suspendOperation(state: OperationState): void {
  state.host.suspended(state);
  const key = state.host.exclusives.leave(state);
  state.host.clusterKeys?.leave(state);
  if (key !== undefined) keys.set(state, key);
  if (state.timer !== undefined) disarm(state);
  const { parent } = state;
  if (parent === undefined) return;
  parents.set(state, parent);
  state.orphan();
}

/**
 * Somebody consumes it: it goes on where it belongs, unless that was canceled meanwhile.
 *
 * @returns the operation, or who holds its key by now
 * @throws OperationConflict for `reject`
 */
function resumeOperation(state: OperationState): OperationState | Held<OperationState> {
  const { timeout } = state.plan;
  const parent = parents.get(state);
  const key = keys.get(state);
  if (key !== undefined) {
    const held = state.host.exclusives.admit(state.name, key, parent);
    if (held !== undefined) return held;
    state.host.exclusives.hold(state, key);
  }
  state.host.resumed(state);
  if (parent !== undefined) {
    if (!parent.decided) parent.addChild(state);
    if (parent.record !== undefined) cancelScope(state, parentRecord(parent));
  }
  if (state.ownLimit !== undefined || timeout !== undefined) {
    const now = monotonicNow();
    const left = timeout ?? (state.ownLimit ?? now) - now;
    state.setDeadline(Math.max(0, left), now);
  }
  return state;
}

/**
 * How the consumers of a lazy result get their operations: the first goes on with the one that
 * waits for it, each after it begins another.
 */
export function resumeFirst(
  suspended: OperationState,
  beginAnother: () => OperationState | Held<OperationState>,
): () => OperationState | Held<OperationState> {
  let waiting: OperationState | undefined = suspended;
  return () => {
    const first = waiting;
    waiting = undefined;
    return first === undefined ? beginAnother() : resumeOperation(first);
  };
}
