import { monotonicNow } from '../scope/clock.js';
import type { OperationState } from '../operation/operation-state.js';
import { noop } from '../scope/thenable.js';

interface Pause {
  /** How many tasks wait. */
  tasks: number;
  /** Milliseconds that the timeout has left. */
  readonly left: number;
}

const pauses = new WeakMap<OperationState, Pause>();

/**
 * Lets an operation's own timeout stand still while a task of it waits. What its ancestors have,
 * and a deadline by the wall clock, goes on.
 *
 * @returns the task waits no more
 */
export function pauseTimeout(state: OperationState): () => void {
  const pause = pauses.get(state) ?? begin(state);
  if (pause === undefined) return noop;
  pause.tasks++;
  let isOver = false;
  return () => {
    if (isOver) return;
    isOver = true;
    if (--pause.tasks === 0) end(state, pause);
  };
}

function begin(state: OperationState): Pause | undefined {
  const { ownLimit, extras } = state;
  if (ownLimit === undefined || extras?.wallDeadline !== undefined) return undefined;
  const now = monotonicNow();
  const pause: Pause = { tasks: 0, left: ownLimit - now };
  pauses.set(state, pause);
  state.setDeadline(undefined, now);
  return pause;
}

function end(state: OperationState, { left }: Pause): void {
  pauses.delete(state);
  if (state.outcome !== undefined || state.record !== undefined) return;
  // Somebody may have given it another one meanwhile.
  if (state.ownLimit === undefined) state.setDeadline(left, monotonicNow());
}
