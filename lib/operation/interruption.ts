import { type CancelationError, isCancelation } from '../scope/cancelation-error.js';
import { isObject } from '../scope/plain-object.js';

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
  declare readonly [CANCELATION]: CancelationError;

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

/** Says of an error that a library made by itself what it is due to. */
export function markInterrupted(error: object, { [CANCELATION]: by }: Interruption): void {
  if (Object.isExtensible(error)) Object.defineProperty(error, CANCELATION, { value: by });
}

/** Where libraries keep what a driver failed with, beside `cause`. */
const KEPT = ['original', 'parent', 'driverError'] as const;

/** The cancelation that made a library fail with this error. */
export function interruptedBy(error: object): unknown {
  const own = ownValueOf(error, CANCELATION);
  if (own !== undefined) return own;
  for (const key of KEPT) {
    const kept = ownValueOf(error, key);
    if (isCancelation(kept)) return kept;
    const by = isObject(kept) ? ownValueOf(kept, CANCELATION) : undefined;
    if (by !== undefined) return by;
  }
  return undefined;
}

function ownValueOf(object: object, key: PropertyKey): unknown {
  return Object.getOwnPropertyDescriptor(object, key)?.value as unknown;
}
