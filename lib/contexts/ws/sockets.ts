import {
  type CloseSource,
  type DisconnectListener,
  unwatchClose,
  watchClose,
} from '../close-watch.js';

/** A client of socket.io or ws, as the server sees it. */
export interface Socket extends CloseSource {
  /** socket.io's. */
  readonly connected?: boolean;
  /** ws': 1 is open, more is closing or closed. */
  readonly readyState?: number;
}

const OPEN = 1;

export function isClosed({ connected, readyState = OPEN }: Socket): boolean {
  return connected === false || readyState > OPEN;
}

/** @returns whether the client is still there */
export function watchSocket(socket: Socket, listener: DisconnectListener): boolean {
  if (isClosed(socket)) return false;
  watchClose(socket, listener, socket.connected === undefined ? 'close' : 'disconnect');
  return true;
}

export function unwatchSocket(socket: Socket, listener: DisconnectListener): void {
  unwatchClose(socket, listener);
}
