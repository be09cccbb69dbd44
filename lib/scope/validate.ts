import { describeValue, quote } from './describe-value.js';
import { parseDuration } from './duration.js';
import { bare, isRecord } from './plain-object.js';
import { refusePromise } from './promised-options.js';

/**
 * Checks the value of one option that came from a user, and throws for what is impossible.
 *
 * @param where the place of the value, for the message: `@Cancelable() on ReportsController.build:
 * timeout`
 */
export type OptionReader = (value: unknown, where: string) => void;

/** The readers of an options object, by the option's name. */
export type OptionReaders = Readonly<Record<string, OptionReader>>;

/** @throws TypeError that names the place, the value and what is allowed */
export function refuse(where: string, value: unknown, allowed: string): never {
  throw new TypeError(`${where}: ${describeValue(value)} is not allowed. Allowed: ${allowed}.`);
}

/**
 * Checks an options object key by key.
 *
 * @throws TypeError that names the place, the value and what is allowed
 */
export function checkOptions(options: unknown, where: string, readers: OptionReaders): void {
  refusePromise(options, where);
  if (!isRecord(options)) refuse(where, options, 'an options object');
  for (const [key, value] of Object.entries(options)) {
    const reader = Object.hasOwn(readers, key) ? readers[key] : undefined;
    if (reader === undefined) {
      const allowed = Object.keys(readers).map(quote).join(', ') || 'none';
      throw new TypeError(`${where}: there is no option ${quote(key)}. Allowed: ${allowed}.`);
    }
    if (value === undefined || reader === readAnything) continue;
    refusePromise(value, `${where}: ${key}`);
    reader(value, `${where}: ${key}`);
  }
}

/** Checks options, and reads them. @returns what is their own, to be looked up without surprises */
export function readOptions<Options extends object>(
  options: Options,
  where: string,
  readers: OptionReaders,
): Options {
  checkOptions(options, where, readers);
  return bare(options);
}

/** One of a few words. */
export const oneOf =
  (...allowed: readonly string[]): OptionReader =>
  (value, where) => {
    if (!allowed.includes(value as string)) refuse(where, value, allowed.map(quote).join(', '));
  };

export function readText(value: unknown, where: string): void {
  if (typeof value !== 'string' || value === '') refuse(where, value, 'a string that is not empty');
}

export function readBoolean(value: unknown, where: string): void {
  if (typeof value !== 'boolean') refuse(where, value, 'true or false');
}

export function readDuration(value: unknown, where: string): void {
  parseDuration(value, where);
}

/** A duration where 0 means "no time". */
export function readSpan(value: unknown, where: string): void {
  parseDuration(value, where, { zero: true });
}

/** A whole number of at least `least`. */
export const countOf =
  (least: number): OptionReader =>
  (value, where) => {
    if (!Number.isSafeInteger(value) || (value as number) < least) {
      refuse(where, value, `a whole number of at least ${least}`);
    }
  };

/** A share of a whole: 0 to 1. */
export function readShare(value: unknown, where: string): void {
  if (typeof value !== 'number' || !(value >= 0 && value <= 1)) {
    refuse(where, value, 'a share from 0 to 1');
  }
}

/** For options that may be anything, a promise too. */
export function readAnything(): void {}
