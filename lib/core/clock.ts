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

/** By how much the wall clock is estimated to be ahead of the monotonic one, in milliseconds. */
let wallAhead = 0;

/**
 * The time by the wall clock at an instant of the monotonic one, in whole milliseconds.
 * The same instant gives the same time until somebody sets the wall clock.
 */
export function wallTimeAt(instant: number): number {
  // The wall clock is read in whole milliseconds: it is ahead by this, or by up to one more.
  const middle = wallNow() - monotonicNow() + 0.5;
  if (Math.abs(wallAhead - middle) >= 1) wallAhead = middle;
  return Math.floor(instant + wallAhead);
}
