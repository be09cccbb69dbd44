import type { ArgumentsHost } from '@nestjs/common';
import { setCause } from '../../scope/cancelation-error.js';
import { type EarlyResponder, earlyError } from '../early-responder.js';
import { PeerClasses } from '../peer-classes.js';
import { publicErrorOf } from '../public-errors.js';

/** Nest's own: the package is there only where gateways are. */
type WsExceptionClass = new (error: object) => Error;
type WsFilterClass = new () => { catch(error: unknown, host: ArgumentsHost): unknown };

export const wsClasses = new PeerClasses<{
  WsException: WsExceptionClass;
  WsFilter: WsFilterClass;
}>(async () => {
  const { WsException, BaseWsExceptionFilter } = await import('@nestjs/websockets');
  return { WsException, WsFilter: BaseWsExceptionFilter };
});

export const earlyWsErrors: EarlyResponder = {
  translate: (error) => toWsError(earlyError(error)),
  answer: (error, host) => {
    const { WsFilter } = wsClasses.loaded;
    return WsFilter && new WsFilter().catch(error, host);
  },
};

/**
 * Turns our own errors into what a gateway sends as an `exception` event; anything else keeps its
 * identity.
 */
export function toWsError(error: unknown): unknown {
  const known = publicErrorOf(error);
  const { WsException } = wsClasses.loaded;
  if (known === undefined || WsException === undefined) return error;
  const { message, code } = known;
  const exception = new WsException({ status: 'error', message, code });
  setCause(exception, error);
  return exception;
}
