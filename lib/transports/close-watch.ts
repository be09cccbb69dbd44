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
  prependListener?(event: string, listener: () => void): unknown;
}

const OPEN = 1;

/** The listeners of one connection: mostly the one call that it serves at a time. */
class Watchers {
  private single: DisconnectListener | undefined = undefined;
  private others: Set<DisconnectListener> | undefined = undefined;

  add(listener: DisconnectListener): void {
    if (this.single === undefined) this.single = listener;
    else (this.others ??= new Set()).add(listener);
  }

  remove(listener: DisconnectListener): void {
    if (this.single === listener) this.single = undefined;
    else this.others?.delete(listener);
  }

  closed(): void {
    const { single, others } = this;
    this.single = this.others = undefined;
    single?.disconnected();
    if (others !== undefined) for (const each of [...others]) each.disconnected();
  }
}

/** One listener per connection: many calls share one. */
const watched = new WeakMap<object, Watchers>();

export function isClosed({ destroyed, connected, readyState }: CloseSource): boolean {
  if (destroyed === true || connected === false) return true;
  return typeof readyState === 'number' && readyState > OPEN;
}

/** @returns whether the connection is still open */
export function watchClose(source: CloseSource, listener: DisconnectListener): boolean {
  if (isClosed(source)) return false;
  let watchers = watched.get(source);
  if (watchers === undefined) {
    const added = (watchers = new Watchers());
    watched.set(source, added);
    const closed = () => {
      watched.delete(source);
      added.closed();
    };
    // Before Node tells the response, and access logs with it.
    if (source.destroyed === false) source.prependListener?.('close', closed);
    else source.on?.(source.connected === undefined ? 'close' : 'disconnect', closed);
  }
  watchers.add(listener);
  return true;
}

export function unwatchClose(source: object, listener: DisconnectListener): void {
  watched.get(source)?.remove(listener);
}
