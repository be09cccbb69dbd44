import type { CancelationBus } from '../cluster/cancelation-bus.js';
import { type Duration, parseDuration } from '../scope/duration.js';
import { readDuration, readOptions, refuse } from '../scope/validate.js';
import { busChecks } from './bus-checks.js';
import { BusTrial } from './bus-trial.js';
import { leaseChecks } from './lease-checks.js';

/**
 * Options of `checkCancelationBus()`.
 *
 * @publicApi
 */
export interface CancelationBusCheckOptions {
  /** How long a check waits for what must happen. Default: `'10s'`. */
  readonly patience?: Duration;
  /** How long a check waits for what must not happen. Default: `'200ms'`. */
  readonly quiet?: Duration;
}

/**
 * One thing that a bus must do.
 *
 * @publicApi
 */
export interface CancelationBusCheck {
  /** What is checked: `'delivers to every listener of a channel, the publisher too'`. */
  readonly name: string;
  /**
   * Checks it, with buses of its own that are closed afterwards.
   *
   * @throws Error that says what was expected
   */
  readonly run: () => Promise<void>;
}

/**
 * What a `CancelationBus` must do, for whoever writes one: run each check as a test of its own, with
 * jest, vitest, `node:test` or nothing. Checks of leases pass by a bus that has none. What a bus
 * does when its server fails is for its own tests.
 *
 * @param createBus makes a bus that is not open yet, of the same server each time
 * @throws TypeError for impossible options
 * @example
 * describe('myBus()', () => {
 *   for (const { name, run } of checkCancelationBus(() => myBus({ url }))) it(name, run);
 * });
 * @publicApi
 */
export function checkCancelationBus(
  createBus: () => CancelationBus,
  options: CancelationBusCheckOptions = {},
): CancelationBusCheck[] {
  const where = 'checkCancelationBus()';
  if (typeof createBus !== 'function') refuse(where, createBus, 'a function that makes a bus');
  const { patience = '10s', quiet = '200ms' } = readOptions(options, where, {
    patience: readDuration,
    quiet: readDuration,
  });
  const waits = {
    patience: parseDuration(patience, where),
    quiet: parseDuration(quiet, where),
  };
  return [...busChecks, ...leaseChecks].map(({ name, check }) => ({
    name,
    run: async () => {
      const trial = new BusTrial(createBus, waits);
      try {
        await check(trial);
      } finally {
        await trial.end();
      }
    },
  }));
}
