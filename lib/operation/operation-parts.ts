import type { CancelationError } from '../scope/cancelation-error.js';

/** How an operation ended. */
export type OutcomeStatus = 'completed' | 'failed' | 'canceled';

/** The public `Operation` of a state: told the outcome, which the state itself must not keep. */
export interface OperationFacade {
  settled(succeeded: boolean, value: unknown): void;
  /** Nothing more happens: whatever still points to the state may let go. */
  ended(): void;
}

/** Stands between an operation and a client that waits: told, once, to let it go. */
export interface Responder {
  release(error: CancelationError): void;
}

/** The ids above an operation, kept as text once it has ended. */
export interface Lineage {
  readonly parentId: string;
  readonly rootId: string;
}

/** The count of live operations of one root, the root included. Shared by all of them. */
export interface TreeCount {
  live: number;
  readonly root: string;
}
