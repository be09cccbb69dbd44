import { describeValue, quote } from './describe-value.js';
import { parseDuration } from './duration.js';
import type { OperationCallbacks, OperationOptions } from './operation-options.js';
import type { NameCounters, OperationPlan } from './operation-plan.js';
import { bare, memberOf, isRecord, ownValue } from './plain-object.js';
import { refusePromise } from './promised-options.js';

/**
 * Reads options that came from a user: what is unknown or impossible is refused, by name.
 *
 * Each reader gets the value and the place (`@Cancelable() on ReportsController.build`).
 */
type Reader = (value: unknown, where: string) => void;

const oneOf =
  (...allowed: readonly string[]): Reader =>
  (value, where) => {
    if (!allowed.includes(value as string)) refuse(where, value, allowed.map(quote).join(', '));
  };

const READERS: { readonly [Key in keyof Required<OperationOptions<object>>]: Reader } = {
  name: readText,
  kind: oneOf('http', 'rpc', 'ws', 'graphql', 'cron', 'job', 'cqrs', 'event', 'method', 'task'),
  timeout: (value, where) => {
    if (value !== false) parseDuration(value, where, { orElse: 'false' });
  },
  deadline: (value, where) => {
    if (!(value instanceof Date) || Number.isNaN(value.getTime()))
      refuse(where, value, 'a valid Date');
  },
  tags: (value, where) => {
    if (!Array.isArray(value) || value.some((tag) => typeof tag !== 'string' || tag === '')) {
      refuse(where, value, 'an array of strings');
    }
  },
  metadata: (value, where) => {
    if (!isRecord(value)) refuse(where, value, 'a plain object');
  },
  id: readText,
  settle: oneOf('race', 'wait'),
  detached: readBoolean,
  onShutdown: oneOf('drain', 'cancel', 'ignore'),
  stall: (value, where) => void parseDuration(value, where),
  exclusive: (value, where) => {
    checkOptions(value, where, EXCLUSIVE_READERS);
    const given = value as object;
    if (Object.hasOwn(given, 'key') && ownValue(given, 'key') === undefined) {
      // It would be one key for all.
      refuse(`${where}: key`, undefined, 'a string, or to leave it out');
    }
    if (ownValue(given, 'onConflict') === undefined) {
      refuse(where, value, "an onConflict of 'cancel-previous', 'reject', 'skip' or 'join'");
    }
  },
  on: (value, where) => {
    if (!isRecord(value)) refuse(where, value, 'an object of callbacks');
    for (const [key, callback] of Object.entries(value)) {
      if (!(CALLBACKS as readonly string[]).includes(key)) {
        refuse(where, key, CALLBACKS.map(quote).join(', '));
      }
      if (callback !== undefined && typeof callback !== 'function')
        refuse(`${where}.${key}`, callback, 'a function');
    }
  },
};

const EXCLUSIVE_READERS: Readonly<Record<string, Reader>> = {
  key: readText,
  onConflict: oneOf('cancel-previous', 'reject', 'skip', 'join'),
};

export function readText(value: unknown, where: string): void {
  if (typeof value !== 'string' || value === '') refuse(where, value, 'a string that is not empty');
}

export function readBoolean(value: unknown, where: string): void {
  if (typeof value !== 'boolean') refuse(where, value, 'true or false');
}

/** A whole number of at least so much. */
export const countOf =
  (least: number): Reader =>
  (value, where) => {
    if (!Number.isSafeInteger(value) || (value as number) < least) {
      refuse(where, value, `a whole number of at least ${least}`);
    }
  };

/** For options that may be anything, a promise too. */
export function readAnything(): void {}

/**
 * Checks an options object key by key.
 *
 * @throws TypeError that names the place, the value and what is allowed
 */
export function checkOptions(
  options: unknown,
  where: string,
  readers: Readonly<Record<string, Reader>> = READERS,
): void {
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
  readers?: Readonly<Record<string, Reader>>,
): Options {
  checkOptions(options, where, readers);
  return bare(options);
}

export const operationReaders: Readonly<Record<string, Reader>> = READERS;

/** The plan of options that have been checked. */
export function planOf(
  given: OperationOptions<never>,
  counters: (name: string) => NameCounters,
): OperationPlan {
  const options = bare(given);
  const name = options.name ?? 'task';
  return {
    name,
    kind: options.kind ?? 'task',
    timeout:
      options.timeout === undefined || options.timeout === false
        ? undefined
        : parseDuration(options.timeout, name),
    deadline: options.deadline?.getTime(),
    tags: options.tags,
    metadata: options.metadata === undefined ? undefined : { ...options.metadata },
    race: options.settle !== 'wait',
    detached: options.detached ?? false,
    onShutdown: options.onShutdown ?? 'drain',
    onDisconnect: 'cancel',
    on: options.on && callbacksOf(options.on),
    stall: options.stall === undefined ? undefined : parseDuration(options.stall, name),
    sources: undefined,
    exclusive: options.exclusive && { key: '', ...options.exclusive },
    counters: counters(name),
    adopt: undefined,
    expires: undefined,
  };
}

const CALLBACKS = ['start', 'progress', 'complete', 'cancel', 'error', 'settled'] as const;

/** Callbacks may be the methods of a class; what stands on `Object.prototype` is none. */
function callbacksOf(given: OperationCallbacks<never>): OperationCallbacks<never> {
  const callbacks: Record<string, unknown> = bare({});
  for (const key of CALLBACKS) {
    const callback = memberOf(given, key);
    if (typeof callback === 'function') callbacks[key] = callback.bind(given) as unknown;
  }
  return callbacks;
}

export function refuse(where: string, value: unknown, allowed: string): never {
  throw new TypeError(`${where}: ${describeValue(value)} is not allowed. Allowed: ${allowed}.`);
}
