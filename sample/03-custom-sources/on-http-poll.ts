import {
  type CancelationSource,
  type Duration,
  onCondition,
  type Operation,
} from 'nestjs-cancelable';
import { FlagsClient } from './flags.client.js';

/** Cancels when the flag server says that the work is to stop; the client is a provider. */
export function onHttpPoll(flag: string, every: Duration): CancelationSource {
  const name = `flag ${flag}`;
  return {
    name,
    inject: [FlagsClient],
    start: (trigger, operation: Operation, flags: FlagsClient) =>
      onCondition(() => flags.isSet(flag, operation.signal), { every, name }).start(
        trigger,
        operation,
      ),
  };
}
