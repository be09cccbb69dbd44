import type { IncomingMessage, ServerResponse } from 'node:http';

/** Somebody who wants to know that a client left. */
export interface DisconnectListener {
  disconnected(): void;
}

interface CloseSource {
  readonly destroyed?: boolean;
  on?(event: 'close', listener: () => void): unknown;
}

/** One listener per connection: keep-alive and pipelining put many requests on one. */
const watched = new WeakMap<object, Set<DisconnectListener>>();

/**
 * Over HTTP/1, a client is gone when its socket closes; a response that still waits behind another
 * on the same connection hears of it nowhere else. Over HTTP/2 each stream closes by itself, and
 * the response around it does not know afterwards. The request's own `close` says nothing: it comes
 * as soon as a body was read.
 */
function closeSourceOf(
  request: IncomingMessage,
  response: ServerResponse,
): CloseSource | undefined {
  const source =
    request.httpVersionMajor >= 2
      ? (response as { stream?: CloseSource }).stream
      : (request.socket as CloseSource | undefined);
  return typeof source?.on === 'function' ? source : undefined;
}

/** @returns whether the client is still there */
export function watchDisconnect(
  request: IncomingMessage,
  response: ServerResponse,
  listener: DisconnectListener,
): boolean {
  const source = closeSourceOf(request, response);
  if (source === undefined) return true;
  if (source.destroyed === true || response.destroyed) return false;
  let listeners = watched.get(source);
  if (listeners === undefined) {
    const added = (listeners = new Set<DisconnectListener>());
    watched.set(source, added);
    source.on?.('close', () => {
      watched.delete(source);
      for (const each of [...added]) each.disconnected();
      added.clear();
    });
  }
  listeners.add(listener);
  return true;
}

export function unwatchDisconnect(
  request: IncomingMessage,
  response: ServerResponse,
  listener: DisconnectListener,
): void {
  const source = closeSourceOf(request, response);
  if (source !== undefined) watched.get(source)?.delete(listener);
}

/** Whether the client is gone before it got its response. */
export function isDisconnected(request: IncomingMessage, response: ServerResponse): boolean {
  if (response.writableEnded) return false;
  return closeSourceOf(request, response)?.destroyed === true || response.destroyed;
}
