import { formatDuration } from '../scope/duration.js';
import { monotonicNow } from '../scope/clock.js';
import { describeChain } from '../operation/causes.js';
import type { InfoLog } from '../operation/safe-log.js';
import type { OperationState } from '../operation/operation-state.js';
import type { ShutdownSettings } from './shutdown-options.js';

/** How many names a line of the log lists. */
const MOST_NAMES = 10;

/** How many operations that are left behind have a line each. */
const MOST_STRAGGLERS = 100;

/**
 * The log lines of a shutdown: one when it begins, one when its grace is over, one for each
 * operation that is left behind, and one when it ends.
 */
export class DrainLog {
  private beganAt = 0;

  constructor(
    private readonly log: InfoLog,
    private readonly settings: ShutdownSettings,
  ) {}

  /** @param delay milliseconds in which calls are still served */
  begins(running: readonly OperationState[], delay: number): void {
    this.beganAt = monotonicNow();
    const { grace } = this.settings;
    const count = running.length === 0 ? 'nothing is running' : `${countOf(running)} running`;
    const names = running.length === 0 ? '' : `: ${describe(running)}`;
    const calls =
      delay === 0
        ? 'New calls are refused'
        : `New calls are served for ${formatDuration(delay)} more, then refused`;
    const time =
      grace === 0 ? 'what runs then is canceled' : `what runs then has ${formatDuration(grace)}`;
    this.log.log(`Shutdown: ${count}${names}. ${calls}, and ${time}.`);
  }

  cancels(late: readonly OperationState[], isUrged: boolean): void {
    const why = isUrged
      ? 'a second signal came'
      : `they did not finish within ${formatDuration(this.settings.grace)}`;
    this.log.log(`Shutdown: canceled, since ${why}: ${describe(late)}`);
  }

  ends(stragglers: readonly OperationState[]): void {
    for (const each of stragglers.slice(0, MOST_STRAGGLERS)) this.leavesBehind(each);
    const others = stragglers.slice(MOST_STRAGGLERS);
    if (others.length > 0) {
      this.log.warn(`Shutdown: ${others.length} more are left behind: ${describe(others)}`);
    }
    const time = formatDuration(monotonicNow() - this.beganAt);
    if (stragglers.length === 0) {
      this.log.log(`Shutdown: nothing is running any more, after ${time}.`);
    } else {
      this.log.log(`Shutdown: goes on after ${time}, though ${countOf(stragglers)} still running.`);
    }
  }

  private leavesBehind(state: OperationState): void {
    const why =
      state.record === undefined
        ? 'its cleanups are not done'
        : `it is still running although it was canceled (${describeChain(state.error())})`;
    this.log.warn(`Shutdown: ${state.name} is left behind: ${why}`, state);
  }
}

function countOf({ length }: readonly unknown[]): string {
  return length === 1 ? '1 operation is' : `${length} operations are`;
}

/** `GET /reports/:city (3), import`. */
function describe(states: readonly OperationState[]): string {
  const counts = new Map<string, number>();
  for (const { name } of states) counts.set(name, (counts.get(name) ?? 0) + 1);
  const names = [...counts].map(([name, count]) => (count === 1 ? name : `${name} (${count})`));
  const listed = names.slice(0, MOST_NAMES).join(', ');
  return names.length > MOST_NAMES ? `${listed} and ${names.length - MOST_NAMES} more` : listed;
}
