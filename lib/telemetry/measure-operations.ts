import type { CancelationReason } from '../scope/cancelation-error.js';
import { cancelLatencyOf } from '../operation/cancel-latency.js';
import type { OutcomeStatus } from '../operation/operation-parts.js';
import type { OperationState } from '../operation/operation-state.js';
import type { OperationStore } from '../registry/operation-store.js';
import { undoing } from '../scope/shared-method.js';
import type { Ignores } from './ignored-operations.js';
import type { Measured } from './measured.js';
import { observeSafely, type OnFailure } from './observe-safely.js';

/** Who counts and times operations. */
export interface Measures {
  canceled(operation: Measured, reason: CancelationReason): void;
  /** A canceled operation has really stopped. @param seconds since its cancel */
  stopped(operation: Measured, reason: CancelationReason, seconds: number): void;
  /** @param seconds since its begin */
  ended(operation: Measured, status: OutcomeStatus, seconds: number): void;
}

/**
 * Tells of every operation of an application.
 *
 * @param measures asked each time: there may be nobody yet
 * @param onFailure takes what they throw
 * @returns ends it
 */
export function measureOperations(
  store: OperationStore,
  measures: () => Measures | undefined,
  ignores: Ignores,
  onFailure: OnFailure,
): () => void {
  const { events } = store;
  const canceled = (state: OperationState) => {
    const to = measures();
    const { record } = state;
    if (to === undefined || record === undefined || ignores(state)) return;
    to.canceled(state.plan.counters, record.reason);
  };
  const settled = (state: OperationState) => {
    const to = measures();
    if (to === undefined || ignores(state)) return;
    const { record, duration = 0, plan } = state;
    const measured: Measured = plan.counters;
    to.ended(measured, state.outcome ?? 'completed', duration / MILLISECONDS);
    if (record === undefined) return;
    to.stopped(measured, record.reason, (cancelLatencyOf(state) ?? 0) / MILLISECONDS);
  };
  return undoing([
    observeSafely(events, 'canceled', canceled, onFailure),
    observeSafely(events, 'settled', settled, onFailure),
  ]);
}

const MILLISECONDS = 1_000;
