import type { Signal } from '../scope/abort-signal.js';
import { type Duration, parseDuration } from '../scope/duration.js';
import type { Operation } from '../operation/operation.js';
import { memberOf } from '../scope/plain-object.js';
import { refuse } from '../scope/validate.js';
import type { SourceStop, SourceTrigger } from '../operation/start-sources.js';
import { CancelationToken } from '../scope/token.js';

/**
 * Something that can cancel an operation. Started before the body, stopped when the operation
 * settles; both may be asynchronous. One that triggers while it starts means the body does not run.
 *
 * @example
 * const onFile = (path: string): CancelationSource => ({
 *   name: `file ${path}`,
 *   start(trigger) {
 *     const watcher = watch(path, () => trigger());
 *     return () => watcher.close();
 *   },
 * });
 * @publicApi
 */
export interface CancelationSource {
  /** For the cancel's message and for logs. */
  readonly name: string;
  /** Providers handed to `start` after the operation. */
  readonly inject?: readonly unknown[];
  /**
   * Begins to watch. Calls `trigger` to cancel; gets the providers of `inject` after the
   * operation.
   */
  start(
    trigger: (trigger?: SourceTrigger) => void,
    operation: Operation,
    // eslint-disable-next-line @typescript-eslint/no-explicit-any -- whatever `inject` names
    ...injected: any[]
  ): SourceStop | void | Promise<SourceStop | void>;
}

/**
 * A source, or what is one as it is: a token, an AbortSignal, a duration from now, a Date.
 *
 * @publicApi
 */
export type SourceLike = CancelationSource | CancelationToken | Signal | Duration | Date;

/** Whether a value can be used as a source; for validation. */
export function isSourceLike(value: unknown): value is SourceLike {
  if (typeof value === 'string' || typeof value === 'number') return true;
  if (value instanceof CancelationToken || value instanceof Date) return true;
  if (typeof value !== 'object' || value === null) return false;
  const { name, aborted, addEventListener } = value as Record<string, unknown>;
  if (typeof memberOf(value, 'start') === 'function') return typeof name === 'string';
  return typeof aborted === 'boolean' && typeof addEventListener === 'function';
}

/** @throws TypeError that names the one that is no source */
export function readSources(value: unknown, where: string): void {
  if (!Array.isArray(value)) refuse(where, value, 'an array of sources');
  (value as unknown[]).forEach((source, index) => {
    const at = `${where}[${index}]`;
    if (!isSourceLike(source)) {
      refuse(at, source, 'a token, an AbortSignal, a duration, a Date, or { name, start }');
    }
    if (typeof source === 'string' || typeof source === 'number') parseDuration(source, at);
  });
}
