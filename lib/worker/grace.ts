import { monotonicNow } from '../core/clock.js';
import { type Duration, parseDuration } from '../core/duration.js';
import { arm, disarm, Timed } from '../core/timers.js';

const DEFAULT_GRACE = 5_000;

/** @throws TypeError when it is no duration; 0 is one */
export function readGrace(grace: Duration | undefined, where: string): number {
  return grace === undefined
    ? DEFAULT_GRACE
    : parseDuration(grace, `${where}: grace`, { zero: true });
}

/** How long work may take to stop before it is stopped. Never keeps the process alive. */
export class GracePeriod extends Timed {
  constructor(
    private readonly milliseconds: number,
    private readonly over: () => void,
  ) {
    super();
  }

  begin(): void {
    arm(this, this.milliseconds, monotonicNow());
  }

  end(): void {
    disarm(this);
  }

  override expired(): void {
    this.over();
  }
}
