import type { ExecutionContext } from '@nestjs/common';
import {
  type CloseSource,
  type DisconnectListener,
  isClosed,
  unwatchClose,
  watchClose,
} from '../close-watch.js';
import type { RpcCaller } from './caller.js';
import { GrpcCaller, isGrpcCall } from './grpc-caller.js';

/**
 * Over TCP the connection tells, over gRPC the call. A broker stands between the services of all
 * other transports, and the server never learns that somebody stopped waiting.
 */
export function callerOf(context: ExecutionContext): RpcCaller | undefined {
  const args = context.getArgs<unknown[]>();
  const call = args.find(isGrpcCall);
  if (call !== undefined) return new GrpcCaller(call, call === args[0]);
  const socket = socketOf(args[1]);
  return socket === undefined ? undefined : new TcpCaller(socket);
}

/** Of Nest's TcpContext, known by what it has: the package may be absent. */
function socketOf(context: unknown): CloseSource | undefined {
  try {
    const { getSocketRef } = (context ?? {}) as { getSocketRef?: unknown };
    if (typeof getSocketRef !== 'function') return undefined;
    const json = getSocketRef.call(context) as { netSocket?: CloseSource } | undefined;
    return typeof json?.netSocket?.on === 'function' ? json.netSocket : undefined;
  } catch {
    // The context of a foreign transport may do anything.
    return undefined;
  }
}

class TcpCaller implements RpcCaller {
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
}
