import type { ArgumentsHost } from '@nestjs/common';
import { type Caller, SocketCaller } from '../caller.js';
import type { CloseSource } from '../close-watch.js';
import { askForeign } from './ask-foreign.js';
import { GrpcCaller, isGrpcCall } from './grpc-caller.js';

/**
 * Over TCP the connection tells, over gRPC the call. A broker stands between the services of all
 * other transports, and the server never learns that somebody stopped waiting.
 */
export function callerOf(context: ArgumentsHost): Caller | undefined {
  const args = context.getArgs<unknown[]>();
  const call = args.find(isGrpcCall);
  if (call !== undefined) return new GrpcCaller(call, call === args[0]);
  const socket = socketOf(args[1]);
  return socket === undefined ? undefined : new SocketCaller(socket);
}

/**
 * The part of Nest's TcpContext that is used. It is known by its shape, since the package may be
 * absent.
 */
function socketOf(context: unknown): CloseSource | undefined {
  return askForeign(() => {
    const { getSocketRef } = (context ?? {}) as { getSocketRef?: unknown };
    if (typeof getSocketRef !== 'function') return undefined;
    const json = getSocketRef.call(context) as { netSocket?: CloseSource } | undefined;
    return typeof json?.netSocket?.on === 'function' ? json.netSocket : undefined;
  });
}
