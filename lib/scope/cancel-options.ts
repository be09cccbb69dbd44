import { isCancelation } from './cancelation-error.js';
import { CANCELATION_REASONS } from './cancelation-reasons.js';
import type { CancelOptions } from './cancel-record.js';
import { quote } from './describe-value.js';
import { bare, isRecord } from './plain-object.js';
import { readAnything, readOptions, refuse } from './validate.js';

const REASONS: readonly string[] = CANCELATION_REASONS;

const readString = (value: unknown, where: string): void => {
  if (typeof value !== 'string') refuse(where, value, 'a string');
};

const READERS: Parameters<typeof readOptions>[2] = {
  reason: (value, where) => {
    if (!REASONS.includes(value as string)) refuse(where, value, REASONS.map(quote).join(', '));
  },
  message: readString,
  cause: readAnything,
  requestedBy: readString,
};

/**
 * What a user says of a cancel. An error in place of the options is the cause, with its message.
 *
 * @throws TypeError for unknown options and impossible values
 */
export function readCancelOptions(given: CancelOptions, where = 'cancel()'): CancelOptions {
  if (!isRecord(given)) refuse(where, given, "an object such as { message: 'stop pressed' }");
  if (!(given instanceof Error)) return readOptions(given, where, READERS);
  const options: CancelOptions = { message: given.message, cause: given };
  return bare(isCancelation(given) ? { ...options, reason: given.reason } : options);
}
