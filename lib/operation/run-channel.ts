import { tracingChannel } from 'node:diagnostics_channel';
import { isThenable } from '../scope/thenable.js';
import type { OperationState } from './operation-state.js';
import { type OperationSnapshot, snapshotOf } from './snapshot.js';

/**
 * The message of `tracing:nestjs-cancelable:operation:run:*`: one call of a body. All five channels
 * get the same object.
 *
 * @publicApi
 */
export interface OperationRunMessage {
  /** Of the shape of this message. */
  readonly version: 1;
  /** The operation as it is whenever this is read, without its partial result. */
  readonly operation: OperationSnapshot;
  /** What the body gave, from `asyncStart` on; of a body that gave no promise, from `end` on. */
  result?: unknown;
  /** What the body threw, or rejected with, from `error` on. */
  error?: unknown;
}

/** Messages go to these; see `docs/telemetry.md`. */
const { start, end, asyncStart, asyncEnd, error } = tracingChannel<unknown, OperationRunMessage>(
  'nestjs-cancelable:operation:run',
);

/** Whether anybody traces bodies. */
export function isTraced(): boolean {
  return (
    start.hasSubscribers ||
    end.hasSubscribers ||
    asyncStart.hasSubscribers ||
    asyncEnd.hasSubscribers ||
    error.hasSubscribers
  );
}

class RunMessage implements OperationRunMessage {
  readonly version = 1;
  declare result?: unknown;
  declare error?: unknown;
  readonly #state: OperationState;

  constructor(state: OperationState) {
    this.#state = state;
  }

  get operation(): OperationSnapshot {
    return snapshotOf(this.#state, false);
  }
}

/**
 * Calls a body, and tells of it what Node's `tracePromise()` tells. Its promise stays the one that
 * it gave: whether it is followed, and by whom, is not for a tracer to change.
 */
export function traceBody(state: OperationState, call: () => unknown): unknown {
  const message: OperationRunMessage = new RunMessage(state);
  return start.runStores(message, () => {
    try {
      const given = call();
      if (!isThenable(given)) {
        message.result = given;
        return given;
      }
      // A lazy one, such as a query, begins whenever it is asked: once.
      const promise = given instanceof Promise ? given : Promise.resolve(given);
      promise.then(
        (value) => {
          message.result = value;
          tellOfEnd(message);
        },
        (failure: unknown) => {
          message.error = failure;
          error.publish(message);
          tellOfEnd(message);
        },
      );
      return promise;
    } catch (failure) {
      message.error = failure;
      error.publish(message);
      throw failure;
    } finally {
      end.publish(message);
    }
  });
}

function tellOfEnd(message: OperationRunMessage): void {
  asyncStart.publish(message);
  asyncEnd.publish(message);
}
