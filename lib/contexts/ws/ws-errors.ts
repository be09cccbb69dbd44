import { setCause } from '../../core/cancelation-error.js';
import { publicErrorOf } from '../public-errors.js';

/** Nest's WsException: the package is there only where gateways are. */
type WsExceptionClass = new (error: object) => Error;

let WsException: WsExceptionClass | undefined;

export async function loadWsErrors(): Promise<void> {
  WsException ??= (await import('@nestjs/websockets')).WsException as WsExceptionClass;
}

/**
 * Turns our own errors into what a gateway sends as an `exception` event; anything else keeps its
 * identity.
 */
export function toWsError(error: unknown): unknown {
  const known = publicErrorOf(error);
  if (known === undefined || WsException === undefined) return error;
  const { message, code } = known;
  const exception = new WsException({ status: 'error', message, code });
  setCause(exception, error);
  return exception;
}
