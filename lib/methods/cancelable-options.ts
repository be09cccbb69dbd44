import { ON_DISCONNECT } from '../operation/operation-options.js';
import type { Duration } from '../scope/duration.js';
import type { Operation } from '../operation/operation.js';
import type {
  ExclusiveOptions,
  OnDisconnect,
  OperationMetadata,
  OperationOptions,
} from '../operation/operation-options.js';
import { isRecord, ownValue } from '../scope/plain-object.js';
import { readFunction } from '../scope/promised-options.js';
import { operationReaders } from '../operation/operation-readers.js';
import {
  type OptionReader,
  type OptionReaders,
  readOptions,
  readText,
  oneOf,
} from '../scope/validate.js';
import { readSources, type SourceLike } from '../sources/source.js';

/**
 * A value, or a function of the call: it takes a leading part of the method's parameters, and is
 * called with `this` = the instance when the method is called (for handlers: after pipes).
 *
 * @publicApi
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- checked against the method
export type PerCall<Value> = Value | ((this: any, ...args: any[]) => Value);

/**
 * What `@Cancelable()` takes, and what a policy is.
 *
 * @publicApi
 */
export interface CancelableOptions extends Omit<
  OperationOptions<Operation>,
  'timeout' | 'deadline' | 'tags' | 'metadata' | 'id' | 'exclusive'
> {
  /**
   * How long it may take: milliseconds, a string with a unit, or a function. `false` switches an
   * inherited timeout off; 0 from a function means "already over". Default: none of its own.
   */
  timeout?: PerCall<Duration | false | undefined>;
  /** The moment by which it must be done, by the wall clock. Default: none. */
  deadline?: PerCall<Date | undefined>;
  /** Words to filter by; descendants inherit them. Default: none. */
  tags?: PerCall<readonly string[] | undefined>;
  /** Facts to filter by; descendants inherit them. Default: none. */
  metadata?: PerCall<OperationMetadata | undefined>;
  /** An id of your own; a live duplicate is an `OperationConflict`. Default: an unguessable one. */
  id?: PerCall<string | undefined>;
  /** What else may cancel it; the first to trigger decides. Default: nothing. */
  sources?: PerCall<readonly SourceLike[] | undefined>;
  /** One call of a name and key at a time. Default: as many as are made. */
  exclusive?: ExclusiveOptions<PerCall<string>>;
  /**
   * Options of this name from `CancelableModule.forRoot({ policies })` apply where these say
   * nothing.
   */
  policy?: string;
  /** What the client's leaving does to a handler. Default: `'cancel'`. */
  onDisconnect?: OnDisconnect;
}

/** The options that may be functions of the call. */
export const PER_CALL = ['timeout', 'deadline', 'tags', 'metadata', 'id', 'sources'] as const;

/** How the values that such a function gives are checked. */
export const perCallReaders = { ...operationReaders, sources: readSources };

const perCall =
  (reader: OptionReader) =>
  (value: unknown, where: string): void => {
    if (typeof value === 'function') readFunction(value, where);
    else reader(value, where);
  };

const READERS: OptionReaders = {
  ...operationReaders,
  ...Object.fromEntries(PER_CALL.map((key) => [key, perCall(perCallReaders[key])])),
  exclusive: (value, where) => {
    const key = isRecord(value) ? ownValue(value, 'key') : undefined;
    const isComputed = typeof key === 'function';
    if (isComputed) readFunction(key, `${where}: key`);
    operationReaders.exclusive(isComputed ? { ...(value as object), key: 'a key' } : value, where);
  },
  policy: readText,
  onDisconnect: oneOf(...ON_DISCONNECT),
};

/**
 * @param where `@Cancelable() on ReportsController.build`
 * @throws TypeError for unknown options and impossible values
 */
export function readCancelableOptions(
  options: CancelableOptions,
  where: string,
): CancelableOptions {
  return readOptions(options, where, READERS);
}

/** `@Cancelable('10s')` is short for `@Cancelable({ timeout: '10s' })`. */
export function normalizeOptions(
  options: Duration | false | CancelableOptions | undefined,
): CancelableOptions {
  if (options === undefined) return {};
  return typeof options === 'object' && options !== null ? options : { timeout: options };
}
