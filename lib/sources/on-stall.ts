import { type Duration, parseDuration } from '../scope/duration.js';
import { Operation } from '../operation/operation.js';
import type { CancelationSource } from './source.js';
import { watchStall } from '../operation/stall.js';

/**
 * Cancels when neither the operation nor a descendant reports progress, or delivers a streamed
 * item, for so long; with reason `timeout`. Open shields pause it.
 *
 * @throws TypeError when it is no duration
 * @example
 * sources: [onStall('30s')]
 * @publicApi
 */
export function onStall(limit: Duration): CancelationSource {
  const milliseconds = parseDuration(limit, 'onStall()');
  return {
    name: 'stall',
    start(trigger, operation) {
      watchStall(Operation.stateOf(operation), milliseconds, (message) =>
        trigger({ reason: 'timeout', message }),
      );
    },
  };
}
