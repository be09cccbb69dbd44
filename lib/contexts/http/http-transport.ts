import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Transport } from '../transport.js';
import { HttpCall } from './http-call.js';
import { rawOf } from './raw.js';
import { RoutePlan } from './route-plan.js';

export const httpTransport: Transport<RoutePlan> = {
  createPlan: (runtime, defaults, name, handler, host) =>
    new RoutePlan(runtime, defaults, name, handler, host),
  createCall: (calls, route, context) => {
    const [request, response] = context.getArgs<[object, object]>();
    return new HttpCall(
      calls,
      route,
      context,
      rawOf<IncomingMessage>(request),
      rawOf<ServerResponse>(response),
    );
  },
};
