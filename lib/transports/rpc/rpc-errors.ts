import type { ArgumentsHost } from '@nestjs/common';
import { setCause } from '../../scope/cancelation-error.js';
import { PeerClasses } from '../peer-classes.js';
import { type PublicError, publicErrorOf } from '../public-errors.js';
import type { GrpcCall } from './grpc-caller.js';

/** Nest's own: the package is there only where there are microservices. */
type RpcExceptionClass = new (error: object) => Error;
type RpcFilterClass = new () => { catch(error: unknown, host: ArgumentsHost): unknown };

export const rpcClasses = new PeerClasses<{
  RpcException: RpcExceptionClass;
  RpcFilter: RpcFilterClass;
}>(async () => {
  const { RpcException, BaseRpcExceptionFilter } = await import('@nestjs/microservices');
  return { RpcException, RpcFilter: BaseRpcExceptionFilter };
});

/** Handles an error as Nest does. @returns an Observable of it */
export function answerAsNest(error: unknown, host: ArgumentsHost): unknown {
  const { RpcFilter } = rpcClasses.loaded;
  return RpcFilter && new RpcFilter().catch(error, host);
}

/** https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
const GRPC_STATUS: Readonly<Record<string, number>> = {
  OPERATION_TIMEOUT: 4, // DEADLINE_EXCEEDED
  OPERATION_NOT_FOUND: 5,
  OPERATION_CONFLICT: 6, // ALREADY_EXISTS
  OPERATION_LIMIT: 8, // RESOURCE_EXHAUSTED
  OPERATION_SUPERSEDED: 10, // ABORTED
  OPERATION_SHUTDOWN: 14, // UNAVAILABLE
  OPERATION_REFUSED: 14,
  CLUSTER_UNAVAILABLE: 14,
};
const CANCELLED = 1;

/** Trailing metadata that tells what the status alone does not. */
const CODE_KEY = 'operation-code';

/**
 * Turns our own errors into what a microservice answers; anything else keeps its identity.
 *
 * @param call the call, where the transport is gRPC, which has status codes of its own
 */
export function toRpcError(error: unknown, call: GrpcCall | undefined): unknown {
  const known = publicErrorOf(error);
  const { RpcException } = rpcClasses.loaded;
  if (known === undefined || RpcException === undefined) return error;
  const { message, code } = known;
  const exception = new RpcException(
    call === undefined ? { status: 'error', message, code } : grpcStatus(known, call),
  );
  setCause(exception, error);
  return exception;
}

/** The status that @grpc/grpc-js sends at the end of a call. */
export function toGrpcStatus(error: unknown, call: GrpcCall): object | undefined {
  const known = publicErrorOf(error);
  return known && grpcStatus(known, call);
}

function grpcStatus({ code, message }: PublicError, call: GrpcCall): object {
  const metadata = emptyMetadata(call);
  metadata?.set(CODE_KEY, code);
  return { code: GRPC_STATUS[code] ?? CANCELLED, message, details: message, metadata };
}

interface GrpcMetadata {
  set(key: string, value: string): void;
}

/** Made by the class of what came in, so that the package need not be loaded. */
function emptyMetadata({ metadata }: GrpcCall): GrpcMetadata | undefined {
  if (metadata === undefined) return undefined;
  const Metadata = metadata.constructor as new () => Partial<GrpcMetadata>;
  const empty = new Metadata();
  return typeof empty.set === 'function' ? (empty as GrpcMetadata) : undefined;
}
