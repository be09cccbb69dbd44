import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ExecutionContext } from '@nestjs/common';
import { isCancelation } from '../../core/cancelation-error.js';
import { OperationRefused } from '../../core/operation-errors.js';
import { publicReason } from '../public-errors.js';
import { toHttpError } from './operation-canceled.exception.js';
import type { RoutePlan } from './route-plan.js';

/** Seconds a client is asked to wait before it comes back to a server that shuts down. */
const RETRY_AFTER = '10';

/** What a stream's headers say of its body, and an error's body does not. */
const BODY_HEADERS = ['Content-Type', 'Content-Length', 'Content-Disposition'];

/** One request and its response, raw. */
export interface HttpExchange {
  readonly context: ExecutionContext;
  readonly route: RoutePlan;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** What filters get of an error; a server that shuts down asks the client to come back. */
export function answerTo(exchange: HttpExchange, error: unknown): unknown {
  const isShutdown =
    error instanceof OperationRefused ||
    (isCancelation(error) && publicReason(error) === 'shutdown');
  if (isShutdown) askToComeBack(exchange);
  return toHttpError(error, exchange.route.statusCodes);
}

function askToComeBack(exchange: HttpExchange): void {
  const { response } = exchange;
  if (!response.headersSent) response.setHeader('Retry-After', RETRY_AFTER);
  askForNewConnection(exchange);
}

/** This connection ends with its response. HTTP/2 has a frame of its own for that. */
export function askForNewConnection({
  request,
  response,
}: Pick<HttpExchange, 'request' | 'response'>): void {
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
