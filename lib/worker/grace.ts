import { monotonicNow } from '../scope/clock.js';
import { type Duration, parseDuration } from '../scope/duration.js';
import type { OperationState } from '../operation/operation-state.js';
import { arm, disarm, Timed } from '../scope/timers.js';

const DEFAULT_GRACE = 5_000;

/** Milliseconds, of a grace period that was checked. */
export function graceOf(grace: Duration | undefined): number {
  return grace === undefined ? DEFAULT_GRACE : parseDuration(grace, 'grace', { zero: true });
}

/** How long work may take to stop before it is stopped. Never keeps the process alive. */
export class GracePeriod extends Timed {
  constructor(
    private readonly milliseconds: number,
    private readonly over: () => void,
    private readonly state: OperationState | undefined,
  ) {
    super();
  }

  begin(): void {
    arm(this, this.milliseconds, monotonicNow());
  }

  end(): void {
    disarm(this);
  }

  override get timedFor(): OperationState | undefined {
    return this.state;
  }

  override expired(): void {
    this.over();
  }
}
