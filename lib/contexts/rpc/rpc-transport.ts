import type { Transport } from '../transport.js';
import { RpcCall } from './rpc-call.js';
import { loadRpcErrors } from './rpc-errors.js';
import { RpcPlan } from './rpc-plan.js';

export const rpcTransport: Transport<RpcPlan> = {
  prepare: loadRpcErrors,
  createPlan: (runtime, defaults, name, handler, host) =>
    new RpcPlan(runtime, defaults, name, handler, host),
  createCall: (calls, plan, context) => new RpcCall(calls, plan, context),
};
