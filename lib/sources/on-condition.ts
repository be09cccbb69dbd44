import { type Duration, parseDuration } from '../scope/duration.js';
import { isThenable } from '../scope/thenable.js';
import { countOf, readOptions, readText, refuse, readDuration } from '../scope/validate.js';
import type { CancelationSource } from './source.js';

/**
 * Options of `onCondition()`.
 *
 * @publicApi
 */
export interface ConditionOptions {
  /** How long after one check the next begins. Default: `'1s'`. */
  readonly every?: Duration;
  /** For the cancel's message. Default: the function's name, or `'condition'`. */
  readonly name?: string;
  /** After so many failed checks in a row it cancels, with the last error as cause. Default: 5. */
  readonly maxErrors?: number;
}

const READERS = {
  every: readDuration,
  name: readText,
  maxErrors: countOf(1),
};

/**
 * Cancels when a check is true, with reason `condition`. The value may be a promise, which is
 * awaited; checks never overlap; the first is made at once. Leaving does not wait for a check.
 *
 * @throws TypeError for impossible options
 * @example
 * sources: [onCondition(() => disk.isFull(), { every: '10s', name: 'disk is full' })]
 * @publicApi
 */
export function onCondition(
  check: () => unknown,
  options: ConditionOptions = {},
): CancelationSource {
  if (typeof check !== 'function') refuse('onCondition()', check, 'a function');
  const {
    every = '1s',
    maxErrors = 5,
    name = check.name || 'condition',
  } = readOptions(options, 'onCondition()', READERS);
  const pause = parseDuration(every, 'onCondition(): every');
  return {
    name,
    start(trigger) {
      let isOver = false;
      let errors = 0;
      let timer: ReturnType<typeof setTimeout> | undefined;
      const later = () => {
        if (isOver) return;
        timer = setTimeout(run, pause);
        timer.unref?.();
      };
      const found = (value: unknown) => {
        errors = 0;
        if (isOver) return;
        if (value) trigger({ message: name });
        else later();
      };
      const failed = (error: unknown) => {
        if (isOver) return;
        if (++errors < maxErrors) later();
        else trigger({ message: `${name} failed ${errors} times in a row`, cause: error });
      };
      const run = () => {
        let value: unknown;
        try {
          value = check();
        } catch (error) {
          return failed(error);
        }
        if (isThenable(value)) {
          Promise.resolve(value).then(found, failed);
        } else {
          found(value);
        }
      };
      run();
      return () => {
        isOver = true;
        clearTimeout(timer);
      };
    },
  };
}
