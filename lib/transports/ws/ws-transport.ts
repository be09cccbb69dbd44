import type { Transport } from '../transport.js';
import { WsCall } from './ws-call.js';
import { earlyWsErrors, wsClasses } from './ws-errors.js';
import { WsPlan } from './ws-plan.js';

export const wsTransport: Transport<WsPlan> = {
  prepare: wsClasses.load,
  planClass: () => WsPlan,
  createCall: (calls, plan, context) => new WsCall(calls, plan, context),
  early: earlyWsErrors,
};
