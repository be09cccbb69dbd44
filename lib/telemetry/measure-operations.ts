import type { CancelationReason } from '../scope/cancelation-error.js';
import type { OutcomeStatus } from '../operation/operation-parts.js';
import type { OperationState } from '../operation/operation-state.js';
import type { OperationStore } from '../registry/operation-store.js';
import { undoing } from '../scope/shared-method.js';

/** What every operation of a name and kind has in common. */
export interface Measured {
  readonly name: string;
  readonly kind: string;
}

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
 * @returns ends it
 */
export function measureOperations(
  store: OperationStore,
  measures: () => Measures | undefined,
  ignores: (state: OperationState) => boolean,
): () => void {
  const { events, statistics } = store;
  const measuredOf = ({ plan }: OperationState): Measured => ({
    name: statistics.labelOf(plan),
    kind: plan.kind,
  });
  return undoing([
    events.observe('canceled', (state) => {
      const to = measures();
      const { record } = state;
      if (to === undefined || record === undefined || ignores(state)) return;
      to.canceled(measuredOf(state), record.reason);
    }),
    events.observe('settled', (state) => {
      const to = measures();
      if (to === undefined || ignores(state)) return;
      const { record, startedAt, duration = 0 } = state;
      const measured = measuredOf(state);
      to.ended(measured, state.outcome ?? 'completed', duration / MILLISECONDS);
      if (record === undefined) return;
      const latency = Math.max(0, startedAt + duration - record.moment);
      to.stopped(measured, record.reason, latency / MILLISECONDS);
    }),
  ]);
}

const MILLISECONDS = 1_000;
