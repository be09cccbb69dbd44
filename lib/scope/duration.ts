import ms, { type StringValue } from 'ms';
import { describeValue } from './describe-value.js';

/**
 * A length of time: a number of milliseconds, or a string with a unit
 * (`'250ms'`, `'30s'`, `'5m'`, `'2h'`).
 *
 * @publicApi
 */
export type Duration = number | string;

/** A year is the longest duration accepted: anything above is a mistake in a unit. */
const LONGEST = ms('1y');

const ALLOWED = "a number of milliseconds or a string with a unit ('250ms', '30s', '5m', '2h'), ";

export interface DurationRules {
  /** Whether 0 is accepted and means "already over". Default: refused. */
  readonly zero?: boolean;
  /** What else the place accepts, for the message: `'false'`. */
  readonly orElse?: string;
  /** It may be the timeout of an operation: whoever writes 0 is told of `false`. */
  readonly isTimeout?: boolean;
}

/**
 * Reads a duration written by a user into milliseconds.
 *
 * @param where names the place for the message: `@Cancelable() on ReportsController.build`
 * @throws TypeError that says what was given, what is allowed, where, and how to fix it
 */
export function parseDuration(value: unknown, where: string, rules: DurationRules = {}): number {
  const milliseconds = toMilliseconds(value);
  if (milliseconds === undefined) {
    throw refuse(value, where, rules, hintFor(value));
  }
  if (milliseconds === 0 && rules.zero !== true) {
    const hint =
      rules.orElse === 'false' || rules.isTimeout === true
        ? ' To switch an inherited timeout off, write false.'
        : '';
    throw refuse(value, where, rules, hint);
  }
  if (milliseconds > LONGEST) {
    throw refuse(value, where, rules, ' Check the unit: numbers are milliseconds.');
  }
  return milliseconds;
}

/**
 * Reads a duration from configuration (an environment variable, a file) into milliseconds.
 *
 * @param text a duration with a unit, or a number of milliseconds
 * @returns milliseconds
 * @throws TypeError when it is no duration: no unit, negative, 0, not finite, more than a year
 * @example
 * CancelableModule.forRoot({ defaultTimeout: duration(process.env.TIMEOUT ?? '30s') })
 * @publicApi
 */
export function duration(text: Duration): number {
  return parseDuration(text, 'duration()', { isTimeout: true });
}

/** Writes milliseconds for people: `1500` → `1.5s`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 1_000) return `${Math.round(milliseconds)}ms`;
  if (milliseconds < 60_000) return `${Number((milliseconds / 1_000).toFixed(1))}s`;
  const seconds = Math.round(milliseconds / 1_000);
  const found = UNITS.find(({ size }) => seconds >= size) ?? MINUTES;
  const { unit, size, smallerUnit, smaller } = found;
  const rest = Math.floor((seconds % size) / smaller);
  const whole = `${Math.floor(seconds / size)}${unit}`;
  return rest === 0 ? whole : `${whole} ${rest}${smallerUnit}`;
}

const MINUTES = { unit: 'm', size: 60, smallerUnit: 's', smaller: 1 };
/** Largest first, in seconds, each with the unit that its rest is given in. */
const UNITS = [
  { unit: 'd', size: 86_400, smallerUnit: 'h', smaller: 3_600 },
  { unit: 'h', size: 3_600, smallerUnit: 'm', smaller: 60 },
  MINUTES,
];

function toMilliseconds(value: unknown): number | undefined {
  if (typeof value === 'number') {
    return Number.isFinite(value) && value >= 0 ? value : undefined;
  }
  if (typeof value !== 'string' || isBareNumber(value)) return undefined;
  if (value.length === 0 || value.length > 100) return undefined;
  const parsed = ms(value as StringValue) as number | undefined;
  return parsed !== undefined && parsed >= 0 ? parsed : undefined;
}

function isBareNumber(text: string): boolean {
  return text.trim() !== '' && !Number.isNaN(Number(text));
}

function hintFor(value: unknown): string {
  if (typeof value === 'string' && isBareNumber(value)) {
    return ` Add a unit ('${value.trim()}ms', '${value.trim()}s') or pass the number itself.`;
  }
  return '';
}

function refuse(value: unknown, where: string, rules: DurationRules, hint: string): TypeError {
  const range = `${rules.zero === true ? 'at least' : 'more than'} 0 and at most a year`;
  const orElse = rules.orElse === undefined ? '' : `, or ${rules.orElse}`;
  return new TypeError(
    `${where}: ${describeValue(value)} is not a valid duration. ` +
      `Allowed: ${ALLOWED}${range}${orElse}.${hint}`,
  );
}
