import type { OperationState } from './operation-state.js';

/**
 * How long an operation that has ended went on after its cancel, until its body had really stopped.
 *
 * @returns milliseconds; `undefined` if it was not canceled
 */
export function cancelLatencyOf(state: OperationState): number | undefined {
  const { record, startedAt, duration = 0 } = state;
  // The sum may be a rounding error short of the moment.
  return record && Math.max(0, startedAt + duration - record.moment);
}
