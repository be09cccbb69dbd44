import type { ArgumentsHost } from '@nestjs/common';
import { setCause } from '../../scope/cancelation-error.js';
import { type EarlyResponder, earlyError } from '../early-responder.js';
import { publicErrorOf } from '../public-errors.js';

/** Nest's own: the package is there only where gateways are. */
type WsExceptionClass = new (error: object) => Error;
type WsFilterClass = new () => { catch(error: unknown, host: ArgumentsHost): unknown };

let WsException: WsExceptionClass | undefined;
let WsFilter: WsFilterClass | undefined;

export async function loadWsErrors(): Promise<void> {
  if (WsException !== undefined) return;
  const websockets = await import('@nestjs/websockets');
  WsException = websockets.WsException;
  WsFilter = websockets.BaseWsExceptionFilter;
}

export const earlyWsErrors: EarlyResponder = {
  translate: (error) => toWsError(earlyError(error)),
  answer: (error, host) => WsFilter && new WsFilter().catch(error, host),
};

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
