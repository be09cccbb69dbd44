import { bufferedBytes, hasRoom, type SendingSource } from './backpressure.js';
import {
  type CloseSource,
  type DisconnectListener,
  isClosed,
  unwatchClose,
  watchClose,
} from './close-watch.js';

/** The other side of a call, which waits for its answer, as far as its transport tells. */
export interface Caller {
  /** @returns whether it is still there */
  watch(listener: DisconnectListener): boolean;
  unwatch(listener: DisconnectListener): void;
  isGone(): boolean;
  /** Whether its connection takes more; nobody knows of those behind a broker. */
  hasRoom(): boolean;
}

/** A caller that is there as long as its connection. */
export class SocketCaller implements Caller {
  constructor(private readonly socket: CloseSource) {}

  watch(listener: DisconnectListener): boolean {
    return watchClose(this.socket, listener);
  }

  unwatch(listener: DisconnectListener): void {
    unwatchClose(this.socket, listener);
  }

  isGone(): boolean {
    return isClosed(this.socket);
  }

  hasRoom(): boolean {
    return this.isGone() || hasRoom(this.socket as SendingSource);
  }

  /** Whether more than so many bytes wait for it: what cannot be held back has to end. */
  isOverfull(maxBuffered: number): boolean {
    return !this.isGone() && bufferedBytes(this.socket as SendingSource, maxBuffered) > maxBuffered;
  }
}
