import type { CancelationToken } from './token.js';

/**
 * What a cleanup is told of its operation.
 *
 * @publicApi
 */
export interface CleanupOutcome {
  /** How the operation ended. */
  readonly status: 'completed' | 'failed' | 'canceled';
  /** What it failed with, or was canceled with; `undefined` when it completed. */
  readonly error: unknown;
  /** The token that the cleanup runs under: canceled only when the time for cleanups is over. */
  readonly token: CancelationToken;
}

/**
 * Runs when the operation ends; may be asynchronous.
 *
 * @publicApi
 */
export type Cleanup = (outcome: CleanupOutcome) => unknown;
