import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type CloseSource,
  type DisconnectListener,
  unwatchClose,
  watchClose,
} from '../close-watch.js';

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
  return !response.destroyed && watchClose(source, listener);
}

export function unwatchDisconnect(
  request: IncomingMessage,
  response: ServerResponse,
  listener: DisconnectListener,
): void {
  const source = closeSourceOf(request, response);
  if (source !== undefined) unwatchClose(source, listener);
}

/** Whether the client is gone before it got its response. */
export function isDisconnected(request: IncomingMessage, response: ServerResponse): boolean {
  if (response.writableEnded) return false;
  return closeSourceOf(request, response)?.destroyed === true || response.destroyed;
}
