import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ExecutionContext, HttpException } from '@nestjs/common';
import { isCancelation } from '../../scope/cancelation-error.js';
import { OperationRefused } from '../../operation/operation-errors.js';
import { publicReason } from '../public-errors.js';
import { toHttpError } from './operation-canceled.exception.js';
import type { RoutePlan } from './route-plan.js';

/** Seconds a client is asked to wait before it comes back: to another server, or to this one. */
const AFTER_SHUTDOWN = '10';
const AFTER_REFUSAL = '1';
const SERVICE_UNAVAILABLE = 503;

/** The headers that describe a stream's body, which an error's body must not have. */
const BODY_HEADERS = ['Content-Type', 'Content-Length', 'Content-Disposition'];

/** One request and its response, raw. */
export interface RawExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** The exchange of a handler. */
export interface HttpExchange extends RawExchange {
  readonly context: ExecutionContext;
  readonly route: RoutePlan;
}

/** Translates an error into what filters get. A 503 of ours asks the client to come back. */
export function answerTo(
  exchange: RawExchange,
  statusCodes: RoutePlan['statusCodes'],
  error: unknown,
): unknown {
  const isShutdown =
    error instanceof OperationRefused ||
    (isCancelation(error) && publicReason(error) === 'shutdown');
  const answer = toHttpError(error, statusCodes);
  if (isShutdown) askForNewConnection(exchange);
  const isOurs = answer !== error && answer instanceof HttpException;
  if (isOurs && answer.getStatus() === SERVICE_UNAVAILABLE) {
    askToComeBack(exchange, isShutdown ? AFTER_SHUTDOWN : AFTER_REFUSAL);
  }
  return answer;
}

function askToComeBack({ response }: RawExchange, seconds: string): void {
  if (!response.headersSent) response.setHeader('Retry-After', seconds);
}

/** This connection ends with its response. HTTP/2 has a frame of its own for that. */
export function askForNewConnection({ request, response }: RawExchange): void {
  if (response.headersSent || request.httpVersionMajor >= 2) return;
  response.setHeader('Connection', 'close');
}

/** Nest would end a response whose headers are sent, and the client would take it for complete. */
export function destroySentResponse({ response }: HttpExchange): void {
  if (response.headersSent && !response.writableEnded) response.destroy();
}

/** A body that has not sent a byte leaves room for an answer, but not for its headers. */
export function makeRoomForAnswer({ context }: HttpExchange): void {
  const response = context.switchToHttp().getResponse<{ removeHeader?(name: string): void }>();
  for (const name of BODY_HEADERS) response.removeHeader?.(name);
}
