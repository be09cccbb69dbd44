import type { ServerResponse } from 'node:http';
import { HttpException } from '@nestjs/common';
import { noop } from '../../scope/thenable.js';
import { destroySentResponse, type HttpExchange } from './http-answer.js';

/** The methods that throw, or send a second answer, once a response is over. */
const SENDING = [
  'setHeader',
  'appendHeader',
  'removeHeader',
  'writeHead',
  'flushHeaders',
  'write',
  'end',
] as const;

/** Calls back once, when a response was sent or its connection is gone. */
export function onceOver(response: ServerResponse, listener: () => void): void {
  let isOver = false;
  const over = () => {
    if (isOver) return;
    isOver = true;
    listener();
  };
  response.once('finish', over).once('close', over);
}

/**
 * Answers in place of a handler that has returned, and was to answer later. Whatever it still sends
 * is dropped: in a callback of its own, an error of Node's would end the process.
 */
export function answerForHandler(exchange: HttpExchange, error: unknown): void {
  const { response } = exchange;
  response.on('error', noop);
  if (response.headersSent) destroySentResponse(exchange);
  else sendError(response, error);
  dropWhatComes(response);
}

/** Sends what an exception says, past Nest, which is through with the request. */
export function sendError(response: ServerResponse, error: unknown): void {
  const isKnown = error instanceof HttpException;
  response.statusCode = isKnown ? error.getStatus() : 500;
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  const body = isKnown
    ? error.getResponse()
    : { statusCode: 500, message: 'Internal server error' };
  response.end(JSON.stringify(body));
}

function dropWhatComes(response: ServerResponse): void {
  for (const method of SENDING) {
    Object.defineProperty(response, method, {
      value: () => (method === 'write' ? false : response),
      configurable: true,
      writable: true,
    });
  }
}
