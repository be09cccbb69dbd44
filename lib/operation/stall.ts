import { cancelScope } from '../scope/cancel.js';
import { CancelRecord } from '../scope/cancel-record.js';
import { monotonicNow } from '../scope/clock.js';
import { formatDuration } from '../scope/duration.js';
import type { OperationState } from './operation-state.js';
import { arm, disarm, Timed } from '../scope/timers.js';

/**
 * Cancels an operation that reports no progress for so long. Progress only notes the time; the
 * timer looks when it fires. Open shields count as progress.
 */
export class StallWatch extends Timed {
  private lastProgress = monotonicNow();

  constructor(
    private readonly state: OperationState,
    private readonly limit: number,
    private readonly trigger: (message: string) => void,
  ) {
    super();
    arm(this, limit, this.lastProgress);
  }

  progressed(): void {
    this.lastProgress = monotonicNow();
  }

  stop(): void {
    disarm(this);
  }

  override get timedFor(): OperationState {
    return this.state;
  }

  override expired(): void {
    const now = monotonicNow();
    if (this.state.shields > 0) this.lastProgress = now;
    const quiet = now - this.lastProgress;
    if (quiet < this.limit - 1) arm(this, this.limit - quiet, now);
    else this.trigger(`no progress for ${formatDuration(this.limit)}`);
  }
}

/** Watches until the operation ends. */
export function watchStall(
  state: OperationState,
  limit: number,
  trigger: (message: string) => void = (message) => {
    cancelScope(state, new CancelRecord('timeout', message));
  },
): void {
  const watch = new StallWatch(state, limit, trigger);
  const extras = state.ensureExtras();
  (extras.stalls ??= []).push(watch);
  state.addLink(() => watch.stop());
}

/** An item, or a report: tells the watches of an operation and of all above it. */
export function noteProgress(state: OperationState): void {
  for (let up: OperationState | undefined = state; up !== undefined; up = up.parentOperation) {
    const stalls = up.extras?.stalls;
    if (stalls !== undefined) for (const watch of stalls) watch.progressed();
  }
}
