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
 * The same instant gives the same time until the wall clock is set, or has drifted by half a millisecond.
 */
export function wallTimeAt(instant: number): number {
  let before = monotonicNow();
  let wall = wallNow();
  let after = monotonicNow();
  // The wall clock is read in whole milliseconds, some time between the two looks at the other: it
  // is ahead by something from `wall - after` to `wall + 1 - before`. An estimate is half of one
  // off.
  if (wallAhead <= wall - after - 0.5 || wallAhead >= wall + 1.5 - before) {
    for (let tries = 0; after - before > 0.1 && tries < 10; tries++) {
      before = monotonicNow();
      wall = wallNow();
      after = monotonicNow();
    }
    wallAhead = wall - before + 0.5;
  }
  return Math.floor(instant + wallAhead);
}
