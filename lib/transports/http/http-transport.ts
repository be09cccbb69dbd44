import type { Transport } from '../transport.js';
import { earlyHttpErrors } from './early-http-errors.js';
import { HttpCall } from './http-call.js';
import { rawExchangeOf } from './raw.js';
import { RoutePlan } from './route-plan.js';

export const httpTransport: Transport<RoutePlan> = {
  planClass: () => RoutePlan,
  createCall: (calls, route, context) => {
    const { request, response } = rawExchangeOf(context);
    return new HttpCall(calls, route, context, request, response);
  },
  early: earlyHttpErrors,
};
