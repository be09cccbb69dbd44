import type { Transport } from '../transport.js';
import { WsCall } from './ws-call.js';
import { earlyWsErrors, loadWsErrors } from './ws-errors.js';
import { WsPlan } from './ws-plan.js';

export const wsTransport: Transport<WsPlan> = {
  prepare: loadWsErrors,
  createPlan: (runtime, defaults, name, handler, host) =>
    new WsPlan(runtime, defaults, name, handler, host),
  createCall: (calls, plan, context) => new WsCall(calls, plan, context),
  early: earlyWsErrors,
};
