import { cancelScope, parentRecord } from './cancel.js';
import { monotonicNow } from './clock.js';
import { disarm } from './timers.js';
import type { OperationState } from './operation-state.js';
import type { Scope } from './scope.js';

const parents = new WeakMap<OperationState, Scope>();

/**
 * The body was called and gave something lazy: until somebody consumes it there is no work, so the
 * operation leaves the list, the tree and the clock.
 */
export function parkOperation(state: OperationState): void {
  state.host.parked(state);
  if (state.timer !== undefined) disarm(state);
  const { parent } = state;
  if (parent === undefined) return;
  parents.set(state, parent);
  state.orphan();
}

/** Somebody consumes it: it goes on where it belongs, unless that was canceled meanwhile. */
export function resumeOperation(state: OperationState): OperationState {
  const { timeout } = state.plan;
  const parent = parents.get(state);
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
