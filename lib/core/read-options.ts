import { describeValue, quote } from './describe-value.js';
import { parseDuration } from './duration.js';
import type { OperationOptions } from './operation-options.js';
import type { NameCounters, OperationPlan } from './operation-plan.js';
import { isRecord } from './plain-object.js';

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
    if (isRecord(value) && 'key' in value && value['key'] === undefined) {
      // It would be one key for all.
      refuse(`${where}: key`, undefined, 'a string, or to leave it out');
    }
    if ((value as { onConflict?: unknown }).onConflict === undefined) {
      refuse(where, value, "an onConflict of 'cancel-previous', 'reject', 'skip' or 'join'");
    }
  },
  on: (value, where) => {
    if (!isRecord(value)) refuse(where, value, 'an object of callbacks');
    const allowed = ['start', 'progress', 'complete', 'cancel', 'error', 'settled'];
    for (const [key, callback] of Object.entries(value)) {
      if (!allowed.includes(key)) refuse(where, key, allowed.map(quote).join(', '));
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
  if (!isRecord(options)) refuse(where, options, 'an options object');
  for (const [key, value] of Object.entries(options)) {
    const reader = Object.hasOwn(readers, key) ? readers[key] : undefined;
    if (reader === undefined) {
      const allowed = Object.keys(readers).map(quote).join(', ');
      throw new TypeError(`${where}: there is no option '${key}'. Allowed: ${allowed}.`);
    }
    if (value !== undefined) reader(value, `${where}: ${key}`);
  }
}

export const operationReaders: Readonly<Record<string, Reader>> = READERS;

/** The plan of options that have been checked. */
export function planOf(
  options: OperationOptions<never>,
  counters: (name: string) => NameCounters,
): OperationPlan {
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
    on: options.on,
    stall: options.stall === undefined ? undefined : parseDuration(options.stall, name),
    sources: undefined,
    exclusive: options.exclusive && { key: '', ...options.exclusive },
    counters: counters(name),
    adopt: undefined,
    expires: undefined,
  };
}

export function refuse(where: string, value: unknown, allowed: string): never {
  throw new TypeError(`${where}: ${describeValue(value)} is not allowed. Allowed: ${allowed}.`);
}
