import type { Transport } from '../transport.js';
import { CancelPlan } from './cancel-plan.js';
import { CANCEL_PATTERN } from './carried.js';
import { earlyRpcErrors } from './early-rpc-errors.js';
import { RpcCall } from './rpc-call.js';
import { rpcClasses } from './rpc-errors.js';
import { patternsOf, RpcPlan } from './rpc-plan.js';

export const rpcTransport: Transport<RpcPlan> = {
  prepare: rpcClasses.load,
  planClass: (handler) => (patternsOf(handler).includes(CANCEL_PATTERN) ? CancelPlan : RpcPlan),
  createCall: (calls, plan, context) => new RpcCall(calls, plan, context),
  early: earlyRpcErrors,
};
