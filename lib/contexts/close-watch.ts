/** Somebody who wants to know that a caller left. */
export interface DisconnectListener {
  disconnected(): void;
}

/** A connection: a socket of the network, of socket.io or of ws, a stream of HTTP/2. */
export interface CloseSource {
  readonly destroyed?: boolean;
  /** ws: 1 is open. */
  readonly readyState?: unknown;
  /** socket.io. */
  readonly connected?: boolean;
  on?(event: string, listener: () => void): unknown;
}

const OPEN = 1;

/** One listener per connection: many calls share one. */
const watched = new WeakMap<object, Set<DisconnectListener>>();

export function isClosed({ destroyed, connected, readyState }: CloseSource): boolean {
  if (destroyed === true || connected === false) return true;
  return typeof readyState === 'number' && readyState > OPEN;
}

/** @returns whether the connection is still open */
export function watchClose(source: CloseSource, listener: DisconnectListener): boolean {
  if (isClosed(source)) return false;
  let listeners = watched.get(source);
  if (listeners === undefined) {
    const added = (listeners = new Set<DisconnectListener>());
    watched.set(source, added);
    source.on?.(source.connected === undefined ? 'close' : 'disconnect', () => {
      watched.delete(source);
      for (const each of [...added]) each.disconnected();
      added.clear();
    });
  }
  listeners.add(listener);
  return true;
}

export function unwatchClose(source: object, listener: DisconnectListener): void {
  watched.get(source)?.delete(listener);
}
