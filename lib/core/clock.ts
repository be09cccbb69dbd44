/**
 * Monotonic milliseconds. The global is read at each call, so that fake timers work.
 */
export function monotonicNow(): number {
  return performance.now();
}

/** Wall-clock milliseconds since the epoch. */
export function wallNow(): number {
  return Date.now();
}
