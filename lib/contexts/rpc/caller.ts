import type { DisconnectListener } from '../close-watch.js';

/** Who waits for an answer, as far as its transport lets one know. */
export interface RpcCaller {
  /** @returns whether it is still there */
  watch(listener: DisconnectListener): boolean;
  unwatch(listener: DisconnectListener): void;
  isGone(): boolean;
}
