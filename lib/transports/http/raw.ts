import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ArgumentsHost } from '@nestjs/common';
import type { RawExchange } from './http-answer.js';

/** Fastify wraps what Express hands out as it is. */
export function rawOf<Raw>(wrapped: object): Raw {
  return ((wrapped as { raw?: unknown }).raw ?? wrapped) as Raw;
}

export function rawExchangeOf(host: ArgumentsHost): RawExchange {
  const [request, response] = host.getArgs<[object, object]>();
  return { request: rawOf<IncomingMessage>(request), response: rawOf<ServerResponse>(response) };
}
