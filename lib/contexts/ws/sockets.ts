import type { DisconnectListener } from '../http/disconnects.js';

/** A socket of socket.io or ws. */
interface Socket {
  /** ws: 1 is open. */
  readonly readyState?: number;
  /** socket.io. */
  readonly connected?: boolean;
  on?(event: string, listener: () => void): unknown;
}

const OPEN = 1;

/** One listener per socket, shared by its calls. */
const watched = new WeakMap<object, Set<DisconnectListener>>();

export function isClosed(socket: Socket): boolean {
  return socket.connected === false || (socket.readyState ?? OPEN) > OPEN;
}

/** @returns whether the socket is still open */
export function watchClose(socket: Socket, listener: DisconnectListener): boolean {
  if (isClosed(socket)) return false;
  let listeners = watched.get(socket);
  if (listeners === undefined) {
    const added = (listeners = new Set<DisconnectListener>());
    watched.set(socket, added);
    socket.on?.(socket.connected === undefined ? 'close' : 'disconnect', () => {
      for (const each of [...added]) each.disconnected();
      added.clear();
    });
  }
  listeners.add(listener);
  return true;
}

export function unwatchClose(socket: object, listener: DisconnectListener): void {
  watched.get(socket)?.delete(listener);
}
