import { Logger } from '@nestjs/common';
import { SafeLog } from '../operation/safe-log.js';

/** Nest's own files that call handlers: whoever else calls one, a test for one, wants no module. */
const CALLED_BY_NEST =
  /@nestjs[\\/](?:core|microservices|websockets)[\\/].*(?:router-execution-context|external-context-creator|rpc-proxy|rpc-context-creator|ws-proxy|ws-context-creator)/;

/** Deep enough for the caller of the caller. */
const FRAMES = 12;

/**
 * Says, where Nest calls a decorated handler and the application lacks the module, what is missing:
 * nothing else would, until a cancel is answered with 500.
 *
 * @returns whether it was said
 */
export function sayModuleIsMissing(name: string): boolean {
  const holder: { stack?: string } = {};
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = FRAMES;
  Error.captureStackTrace(holder);
  Error.stackTraceLimit = limit;
  if (!CALLED_BY_NEST.test(holder.stack ?? '')) return false;
  SafeLog.over(new Logger('Cancelable')).error(
    `${name} is decorated with @Cancelable(), but its application does not import CancelableModule: ` +
      'no client that leaves cancels it, and a timeout is answered with 500. ' +
      'Add CancelableModule.forRoot() to the imports of the root module.',
  );
  return true;
}
