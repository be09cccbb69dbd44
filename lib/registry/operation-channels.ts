import { channel } from 'node:diagnostics_channel';
import type { OperationSnapshot } from '../operation/snapshot.js';

/**
 * The message of the channels `nestjs-cancelable:operation:start`, `:cancel`, `:settle` and
 * `:zombie` of `node:diagnostics_channel`.
 *
 * @publicApi
 */
export interface OperationChannelMessage {
  /** Of the shape of this message. */
  readonly version: 1;
  /** As it was when it happened; made when it is first read. */
  readonly operation: OperationSnapshot;
  /** When it happened. */
  readonly at: Date;
}

/** What is used of Node's `Channel`, for consumers that have no types of Node. */
export interface MessageChannel {
  readonly hasSubscribers: boolean;
  publish(message: unknown): void;
}

/** Progress is for those who watch an operation: it has no channel. */
export const operationChannels: Readonly<
  Record<'started' | 'canceled' | 'settled' | 'zombie', MessageChannel> & { progress: undefined }
> = {
  started: channel('nestjs-cancelable:operation:start'),
  progress: undefined,
  canceled: channel('nestjs-cancelable:operation:cancel'),
  settled: channel('nestjs-cancelable:operation:settle'),
  zombie: channel('nestjs-cancelable:operation:zombie'),
};

export function messageOf(
  event: Pick<OperationChannelMessage, 'operation' | 'at'>,
): OperationChannelMessage {
  return {
    version: 1,
    get operation() {
      return event.operation;
    },
    at: event.at,
  };
}
