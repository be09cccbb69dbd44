import { formatDuration, parseDuration } from '../scope/duration.js';
import { SaidOnce } from '../scope/said-once.js';
import type { OperationState } from './operation-state.js';

const clamped = new SaidOnce();

/**
 * The ceiling of an application for what only a call knows, which may come from a client.
 *
 * @param asked milliseconds
 */
export function underCeiling(state: OperationState, asked: number): number {
  const { host, name } = state;
  const { maxTimeout } = host;
  if (asked <= maxTimeout) return asked;
  if (clamped.isFirst(host, name)) {
    host.log.warn(
      `${name} was to have ${formatDuration(asked)}, and has ${formatDuration(maxTimeout)}: maxTimeout. ` +
        'This is said once.',
      state,
    );
  }
  return maxTimeout;
}

/** @throws TypeError for a timeout in the code that the ceiling would never allow */
export function refuseAboveCeiling(timeout: unknown, maxTimeout: number, where: string): void {
  if (typeof timeout !== 'number' && typeof timeout !== 'string') return;
  const asked = parseDuration(timeout, where);
  if (asked <= maxTimeout) return;
  throw new TypeError(
    `${where}: ${formatDuration(asked)} is above maxTimeout, which is ${formatDuration(maxTimeout)}. ` +
      'Allowed: at most that. Raise maxTimeout in CancelableModule.forRoot(), or shorten this.',
  );
}
