import { isObservable } from 'rxjs';
import type { IteratorSource } from './interruptible-iterator.js';
import { openObservable } from './observable-source.js';

interface Reader {
  read(): Promise<IteratorResult<unknown>>;
  cancel(): Promise<void>;
  releaseLock(): void;
}

/**
 * How a value is iterated: an async iterable, an iterable, an Observable, a Node or a web stream.
 *
 * @returns `undefined` if it cannot be
 */
export function openSource(source: unknown): IteratorSource<unknown> | undefined {
  if (source === null || source === undefined) return undefined;
  if (isRequest(source)) return openRequest(source);
  const { destroy, getReader } = source as { destroy?: unknown; getReader?: unknown };
  if (typeof getReader === 'function') return openReader(getReader.call(source) as Reader);
  const asynchronous = (source as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator];
  if (typeof asynchronous === 'function') {
    const iterator = asynchronous.call(source);
    if (typeof destroy !== 'function' || iterator === source) return { iterator };
    return { iterator, destroy: () => (destroy as () => unknown).call(source) };
  }
  const synchronous = (source as Partial<Iterable<unknown>>)[Symbol.iterator];
  if (typeof synchronous === 'function') return { iterator: synchronous.call(source) };
  return isObservable(source) ? openObservable(source) : undefined;
}

/** A request that a server got, over HTTP/1 or 2. */
interface ServerRequest {
  pause(): unknown;
  iterator(options: { destroyOnReturn: boolean }): AsyncIterator<unknown>;
}

function isRequest(source: unknown): source is ServerRequest {
  const { method, url, httpVersion, iterator } = source as Record<string, unknown>;
  return (
    [method, url, httpVersion].every((fact) => typeof fact === 'string') &&
    typeof iterator === 'function'
  );
}

/** Its connection is the one that it is answered on: closing the body must not destroy that. */
function openRequest(request: ServerRequest): IteratorSource<unknown> {
  const iterator = request.iterator({ destroyOnReturn: false });
  return { iterator, destroy: () => void request.pause() };
}

/** A web stream's own iterator would queue its cancel behind a pending read. */
function openReader(reader: Reader): IteratorSource<unknown> {
  return {
    iterator: { next: () => reader.read() },
    destroy: async () => {
      await reader.cancel();
      reader.releaseLock();
    },
  };
}
