import { setImmediate as nodeSetImmediate } from 'node:timers';
import { monotonicNow } from './clock.js';
import type { Scope } from './scope.js';
import { LONGEST_DELAY } from './timers.js';

/**
 * Waits, and rejects with the scope's error when it is canceled. The only timer of the library
 * that keeps a process alive, while it is awaited. Long waits are chained by count.
 */
export function sleepIn(scope: Scope | undefined, milliseconds: number): Promise<void> {
  return new Promise((resolve, reject) => {
    if (scope !== undefined) {
      scope.checkClock();
      if (scope.isCanceled()) return reject(scope.error());
    }
    let remaining = milliseconds;
    let timer: ReturnType<typeof setTimeout>;
    const node = scope?.observe((error) => {
      clearTimeout(timer);
      reject(error);
    });
    const hop = () => {
      const delay = Math.min(remaining, LONGEST_DELAY);
      remaining -= delay;
      timer = setTimeout(() => {
        if (remaining > 0) return hop();
        node?.remove();
        resolve();
      }, delay);
    };
    hop();
  });
}

/** Gives the promise's outcome, or rejects with the scope's error if that comes first. */
export function raceIn<Value>(scope: Scope, promise: PromiseLike<Value>): Promise<Awaited<Value>> {
  return new Promise((resolve, reject) => {
    scope.checkClock();
    const node = scope.observe(reject);
    Promise.resolve(promise).then(
      (value) => {
        node.remove();
        resolve(value);
      },
      (error: unknown) => {
        node.remove();
        reject(error);
      },
    );
  });
}

const cancels = new WeakMap<Scope, Promise<ReturnType<Scope['error']>>>();

/**
 * Resolves with the error once the scope is canceled; pending, and forgotten, if it never is. The
 * same promise for all who ask: a token that lives long is asked by many.
 */
export function whenScopeCanceled(scope: Scope): Promise<ReturnType<Scope['error']>> {
  let canceled = cancels.get(scope);
  if (canceled === undefined) {
    canceled = new Promise((resolve) => void scope.observe(resolve));
    cancels.set(scope, canceled);
  }
  return canceled;
}

/** The longest that one turn of the event loop may be used before a checkpoint gives it back. */
const LONGEST_TURN = 10;
let turnStartedAt = -1;

/** Throws when canceled, and lets others run if this turn of the event loop has taken long. */
export async function checkpointIn(scope: Scope): Promise<void> {
  scope.checkClock();
  if (scope.isCanceled()) throw scope.error();
  const now = monotonicNow();
  if (turnStartedAt < 0) {
    turnStartedAt = now;
    nodeSetImmediate(() => (turnStartedAt = -1)).unref();
  } else if (now - turnStartedAt >= LONGEST_TURN) {
    await new Promise<void>((resolve) => nodeSetImmediate(resolve));
    scope.checkClock();
    if (scope.isCanceled()) throw scope.error();
  }
}
