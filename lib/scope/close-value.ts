import { isThenable, noop } from './thenable.js';

interface Closable {
  readonly getStream?: unknown;
  readonly getReader?: unknown;
  readonly getWriter?: unknown;
  readonly pipe?: unknown;
  readonly read?: unknown;
  readonly write?: unknown;
  readonly headersSent?: unknown;
  readonly locked?: unknown;
  readonly next?: unknown;
  readonly return?: unknown;
  readonly on?: (this: unknown, event: 'error', listener: () => void) => unknown;
  readonly destroy?: (this: unknown, error?: Error) => unknown;
  readonly cancel?: (this: unknown, reason: unknown) => Promise<void>;
  readonly abort?: (this: unknown, reason: unknown) => Promise<void>;
  readonly [key: symbol]: unknown;
}

/**
 * The symbols of disposal, where the runtime has them; the language level of this package does not.
 */
const { asyncDispose, dispose } = Symbol as unknown as Partial<Record<string, symbol>>;

/** A Node or web stream, also the one inside of a `StreamableFile`. */
export function streamOf(value: object): object | undefined {
  const { getStream, getReader, pipe, read } = value as Closable;
  if (typeof getStream === 'function') return getStream.call(value) as object;
  if (typeof getReader === 'function') return value;
  return typeof pipe === 'function' && typeof read === 'function' ? value : undefined;
}

/**
 * Destroys a stream that nobody will read. Without a listener, its `error` would end the process.
 */
export function destroyStream(stream: object, error: Error | undefined): void {
  const { destroy, on, cancel, abort, locked } = stream as Closable;
  if (typeof destroy === 'function') {
    on?.call(stream, 'error', noop);
    destroy.call(stream, error);
  } else if (locked !== true) {
    const close = typeof cancel === 'function' ? cancel : abort;
    close?.call(stream, error).catch(noop);
  }
}

/**
 * Closes a value that nobody gets: a Node or web stream, a `StreamableFile`, an iterator, something
 * disposable, or an array of those. An Observable holds nothing before somebody subscribes. What
 * cannot be closed is let go.
 *
 * @param report told what fails meanwhile; nobody waits
 */
export function closeValue(value: unknown, report: (error: unknown) => void): void {
  if (typeof value !== 'object' || value === null) return;
  try {
    if (Array.isArray(value)) {
      for (const each of value as unknown[]) if (!Array.isArray(each)) closeValue(each, report);
      return;
    }
    const closing = close(value as Closable);
    if (isThenable(closing)) closing.then(undefined, report);
  } catch (error) {
    report(error);
  }
}

function close(value: Closable): unknown {
  const stream = streamOf(value) ?? (isWritable(value) ? value : undefined);
  if (stream !== undefined) return destroyStream(stream, undefined);
  const disposal = methodOf(value, asyncDispose) ?? methodOf(value, dispose);
  if (disposal !== undefined) return disposal.call(value);
  const { next, return: stop } = value;
  if (typeof next === 'function' && typeof stop === 'function') return stop.call(value) as unknown;
  return undefined;
}

/** Not the response, which belongs to whoever answers. */
function isWritable({ pipe, write, destroy, getWriter, headersSent }: Closable): boolean {
  if (typeof getWriter === 'function') return true;
  return (
    [pipe, write, destroy].every((each) => typeof each === 'function') && headersSent === undefined
  );
}

function methodOf(
  value: Closable,
  key: symbol | undefined,
): ((this: unknown) => unknown) | undefined {
  const method = key === undefined ? undefined : value[key];
  return typeof method === 'function' ? (method as () => unknown) : undefined;
}
