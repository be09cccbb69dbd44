import { of } from 'rxjs';
import { type EarlyResponder, earlyError } from '../early-responder.js';
import { GrpcCaller } from './grpc-caller.js';
import { answerOnCall } from './passed-through.js';
import { callerOf } from './rpc-caller.js';
import { answerAsNest, toRpcError } from './rpc-errors.js';

export const earlyRpcErrors: EarlyResponder = {
  answersAlone: (error, host) =>
    answerOnCall(callerOf(host), host, earlyError(error)) ? of(undefined) : undefined,
  translate(error, host) {
    const caller = callerOf(host);
    return toRpcError(earlyError(error), caller instanceof GrpcCaller ? caller.call : undefined);
  },
  answer: answerAsNest,
};
