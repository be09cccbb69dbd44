import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Transport } from '../transport.js';
import { HttpCall } from './http-call.js';
import { RoutePlan } from './route-plan.js';

export const httpTransport: Transport<RoutePlan> = {
  createPlan: (runtime, defaults, name, handler, host) =>
    new RoutePlan(runtime, defaults, name, handler, host),
  createCall: (calls, route, context) => {
    const [request, response] = context.getArgs<[unknown, unknown]>();
    return new HttpCall(
      calls,
      route,
      context,
      rawOf<IncomingMessage>(request),
      rawOf<ServerResponse>(response),
    );
  },
};

/** Fastify wraps what Express hands out as it is. */
function rawOf<Raw>(wrapped: unknown): Raw {
  return ((wrapped as { raw?: unknown }).raw ?? wrapped) as Raw;
}
