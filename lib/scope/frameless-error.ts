import { monotonicNow } from './clock.js';

/** So many native errors a second: one costs as much as thirty other objects. */
const NATIVE_A_SECOND = 1_000;
/** Beyond them, the clock is asked once in so many errors whether the second is over. */
const CLOCK_EVERY = 64;

let made = 0;
let since = 0;

function Frameless(this: object, message: string, source: { readonly text: string } | undefined) {
  const isRare = made < NATIVE_A_SECOND || ++made % CLOCK_EVERY === 0;
  if (!isRare || !isAllowed()) return this;
  return nativeError(source?.text ?? message, new.target as never);
}
Frameless.prototype = Object.create(Error.prototype, {
  constructor: { value: Error, writable: true, configurable: true },
}) as object;

function isAllowed(): boolean {
  if (made >= NATIVE_A_SECOND) {
    const now = monotonicNow();
    if (Math.abs(now - since) < 1_000) return false;
    since = now;
    made = 0;
  }
  made++;
  return true;
}

function nativeError(message: string, type: new () => object): object {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return Reflect.construct(Error, [message], type);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/**
 * An Error without frames: a native one, which `isNativeError()`, `structuredClone()` and
 * `deepStrictEqual()` know, unless a mass cancel makes one per operation. Then, as with Node's own
 * DOMException, it is an `instanceof Error` that is no native one.
 *
 * @param source has the message, if it is not given: read only where the error has it of its own
 */
export const FramelessError = Frameless as unknown as new (
  message: string,
  source: { readonly text: string } | undefined,
) => Error;
