import type { OperationState } from '../operation/operation-state.js';
import type { OperationStore } from '../registry/operation-store.js';

/** What every operation of a name and kind has in common. */
export interface Measured {
  /** One of few: `(other)` stands for the names that are too many. */
  readonly name: string;
  readonly kind: string;
}

export function measuredOf({ statistics }: OperationStore, { plan }: OperationState): Measured {
  return { name: statistics.labelOf(plan), kind: plan.kind };
}
