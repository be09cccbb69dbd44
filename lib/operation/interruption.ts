import type { CancelationError } from '../scope/cancelation-error.js';

/** By a registered symbol: copies of this package in one process know each other's. */
const CANCELATION = Symbol.for('nestjs-cancelable.interrupted-by');

/**
 * What a foreign library is told to fail with when an operation is canceled. It looks like what
 * `AbortSignal` makes them throw, which they know how to handle, and leads back to the cancelation,
 * so that the operation's own error surfaces in place of whatever the library makes of it (rule 8).
 * It does not hold the cancelation as its cause: what the library makes of it becomes the cause of
 * that one.
 */
export class Interruption extends Error {
  readonly code = 'ABORT_ERR';

  constructor(cancelation: CancelationError) {
    super(cancelation.message);
    Object.defineProperty(this, CANCELATION, { value: cancelation });
  }
}
Object.defineProperty(Interruption.prototype, 'name', {
  value: 'AbortError',
  writable: true,
  configurable: true,
});

/** The cancelation that made a library fail with this error. */
export function interruptedBy(error: object): unknown {
  return Object.getOwnPropertyDescriptor(error, CANCELATION)?.value as unknown;
}
