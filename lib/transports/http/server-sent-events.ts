import { Observable, type Subscriber } from 'rxjs';
import { isCancelation } from '../../scope/cancelation-error.js';
import { currentOperation } from '../../operation/current-operation.js';
import { Operation } from '../../operation/operation.js';
import type { StreamSource } from '../../streams/stream-options.js';
import { ownError } from '../foreign-cancelation.js';
import { canceledMessage } from './canceled-message.js';

/**
 * One server-sent event; fits Nest's `MessageEvent`.
 *
 * @publicApi
 */
export interface ServerSentEvent {
  /** What the event carries. */
  readonly data: string | object;
  /** The name of the event. Default: `message`. */
  readonly type?: string;
  /** What an EventSource sends as `Last-Event-ID` when it comes back. */
  readonly id?: string;
  /** After how many milliseconds an EventSource comes back. */
  readonly retry?: number;
}

/**
 * Makes server-sent events of anything that can be iterated: an event per item, and, if the current
 * operation is canceled, a last one of type `canceled` with `code` and `message`. The source is
 * closed when the client leaves.
 *
 * @param source what `operation.stream()` takes: an iterable, Observable, Node or web stream
 * @param toEvent makes an event of an item. Default: the item is its `data`
 * @throws Error outside of an operation; what the source fails with errors the Observable
 * @example
 * \@Sse('answers')
 * \@Cancelable('5m')
 * answer(\@Query('q') question: string) {
 *   return serverSentEvents(this.model.answer(question), (word) => ({ data: { word } }));
 * }
 * @publicApi
 */
export function serverSentEvents<Item>(
  source: StreamSource<Item>,
  toEvent: (item: Item) => ServerSentEvent = (item) => ({ data: item as string | object }),
): Observable<ServerSentEvent> {
  const operation = currentOperation();
  return new Observable((subscriber) => {
    const items = operation.stream(source);
    void send(operation, items, toEvent, subscriber);
    return () => void items.return?.(undefined).catch(() => {});
  });
}

async function send<Item>(
  operation: Operation,
  items: AsyncIterableIterator<Item>,
  toEvent: (item: Item) => ServerSentEvent,
  subscriber: Subscriber<ServerSentEvent>,
): Promise<void> {
  try {
    for await (const item of items) subscriber.next(toEvent(item));
    subscriber.complete();
  } catch (error) {
    if (!isCancelation(error)) return subscriber.error(error);
    const { rootId, host } = Operation.stateOf(operation);
    const own = ownError(error, rootId, host);
    if (!isCancelation(own)) return subscriber.error(own);
    subscriber.next(canceledMessage(own));
    subscriber.complete();
  }
}
