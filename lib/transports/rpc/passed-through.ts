import type { ArgumentsHost } from '@nestjs/common';
import type { Caller } from '../caller.js';
import { GrpcCaller } from './grpc-caller.js';
import { toGrpcStatus } from './rpc-errors.js';

/**
 * Nest hands the error of a call that is passed through to nobody: it would end the process. So
 * ours are sent on the call itself.
 *
 * @returns whether the error was ours, and the call is such a one
 */
export function answerOnCall(
  caller: Caller | undefined,
  host: ArgumentsHost,
  error: unknown,
): boolean {
  if (!(caller instanceof GrpcCaller) || !caller.isPassedThrough) return false;
  const status = toGrpcStatus(error, caller.call);
  if (status === undefined) return false;
  if (caller.isGone()) return true;
  // A single answer is given by the callback: a stream that was read to its end sends nothing.
  const callback = host.getArgByIndex<((error: object) => void) | undefined>(1);
  if (typeof callback === 'function') callback(status);
  else caller.call.emit('error', status);
  return true;
}
