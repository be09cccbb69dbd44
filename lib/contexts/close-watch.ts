/** Somebody who wants to know that a caller left. */
export interface DisconnectListener {
  disconnected(): void;
}

/** What a caller is heard leaving by: a socket, or one stream of several on it. */
export interface CloseSource {
  readonly destroyed?: boolean;
  on?(event: string, listener: () => void): unknown;
}

/** One listener per connection: keep-alive, pipelining and messages put many calls on one. */
const watched = new WeakMap<object, Set<DisconnectListener>>();

/** @param event what the source emits once, when it is gone */
export function watchClose(
  source: CloseSource,
  listener: DisconnectListener,
  event = 'close',
): void {
  let listeners = watched.get(source);
  if (listeners === undefined) {
    const added = (listeners = new Set<DisconnectListener>());
    watched.set(source, added);
    source.on?.(event, () => {
      watched.delete(source);
      for (const each of [...added]) each.disconnected();
      added.clear();
    });
  }
  listeners.add(listener);
}

export function unwatchClose(source: CloseSource, listener: DisconnectListener): void {
  watched.get(source)?.delete(listener);
}
