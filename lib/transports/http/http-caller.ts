import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Caller } from '../caller.js';
import type { DisconnectListener } from '../close-watch.js';
import { isDisconnected, unwatchDisconnect, watchDisconnect } from './disconnects.js';

/** The client of one request: there until its connection or stream closes, or it has its answer. */
export class HttpCaller implements Caller {
  constructor(
    private readonly request: IncomingMessage,
    private readonly response: ServerResponse,
  ) {}

  watch(listener: DisconnectListener): boolean {
    return watchDisconnect(this.request, this.response, listener);
  }

  unwatch(listener: DisconnectListener): void {
    unwatchDisconnect(this.request, this.response, listener);
  }

  isGone(): boolean {
    return isDisconnected(this.request, this.response);
  }

  /** Bodies are read one item at a time: by Node's streams, and by GraphQL's servers. */
  hasRoom(): boolean {
    return true;
  }
}
