import { surfacing } from '../operation/causes.js';
import { closeLateValue } from '../operation/late-value.js';
import type { OperationState } from '../operation/operation-state.js';
import { operateIterator, ownIterable } from '../methods/lazy-results.js';

/** The call an iterable answer belongs to. */
export interface IterableOwner {
  answerTo(error: unknown): unknown;
  /** Its caller has left, and it is to go on to its end. */
  goesOnAlone(): boolean;
  /** The consumer has lost interest. */
  stopConsumer(): void;
  settle(succeeded: boolean, value: unknown): Promise<unknown> | undefined;
}

/**
 * Ties an iterable that is consumed after the chain to the call's operation, which lasts as long.
 *
 * @returns what the consumer gets; its errors are the transport's
 */
export function operateIterableBody(
  owner: IterableOwner,
  state: OperationState,
  iterable: AsyncIterable<unknown>,
): AsyncGenerator<unknown> {
  const iterator = operateIterator(
    {
      begin: () => state,
      end: async (_state, succeeded, error) => {
        await owner.settle(succeeded, error);
        if (succeeded) return;
        throw owner.answerTo(surfacing(state, error));
      },
      translate: (error) => owner.answerTo(error),
      stop: () => owner.stopConsumer(),
      skip: () => {
        const succeeded = state.record === undefined;
        closeLateValue(state, ownIterable(iterable));
        void owner.settle(succeeded, succeeded ? undefined : state.error());
      },
    },
    () => ownIterable(iterable),
  );
  // A reader, such as a stream of Node, ends it in either way.
  for (const end of ['return', 'throw'] as const) {
    const close = iterator[end].bind(iterator);
    iterator[end] = async (value: unknown) => {
      if (!owner.goesOnAlone()) return close(value);
      void readToEnd(iterator);
      return { done: true, value: undefined };
    };
  }
  return iterator;
}

/** Nobody takes the items any more. */
export async function readToEnd(iterator: AsyncIterator<unknown>): Promise<void> {
  try {
    while ((await iterator.next()).done !== true) continue;
  } catch {
    // Its operation has ended with it.
  }
}
