import { describeValue } from './describe-value.js';
import { isThenable, noop } from './thenable.js';

const ADVICE =
  'Nothing waits for an option, so give the value itself: find it out before, in a guard or a pipe ' +
  'for one, and read it from the request or the parameters.';

/**
 * Options are used at once: what only comes later would be lost, and its failure unhandled.
 *
 * @throws TypeError for a promise, whose failure is then nobody's
 */
export function refusePromise(value: unknown, where: string): void {
  if (!isThenable(value)) return;
  value.then(noop, noop);
  throw new TypeError(`${where}: a promise is not allowed. ${ADVICE}`);
}

/**
 * A function whose value is used at once.
 *
 * @throws TypeError for what is no function, and for an `async` one
 */
export function readFunction(value: unknown, where: string, allowed = 'a function'): void {
  if (typeof value !== 'function') {
    throw new TypeError(`${where}: ${describeValue(value)} is not allowed. Allowed: ${allowed}.`);
  }
  if (value.constructor.name.startsWith('Async')) {
    throw new TypeError(
      `${where}: ${describeValue(value)} is async, and gives a promise. ${ADVICE}`,
    );
  }
}
