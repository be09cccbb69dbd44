import { noop, type OperationState } from '../core/operation-state.js';
import { shapeOf } from '../streams/lazy-results.js';
import { EntryCall } from './entry-call.js';
import { operateIterableBody } from './iterable-body.js';

/**
 * A call whose answer is one value after the other: of a microservice, or a WebSocket message. The
 * items of an async iterable are sent as those of an Observable are.
 */
export abstract class MessageCall extends EntryCall {
  private hasSent = false;

  override get hasAnswered(): boolean {
    return this.hasSent && !this.hasOwnDeadline;
  }

  protected override send(value: unknown): void {
    if (shapeOf(value) === 'iterable') void this.pump(value as AsyncIterable<unknown>);
    else this.sendItem(value);
  }

  private sendItem(item: unknown): void {
    this.hasSent = true;
    this.subscriber?.next(item);
  }

  private async pump(iterable: AsyncIterable<unknown>): Promise<void> {
    const { subscriber } = this;
    this.isStreaming = true;
    // Without a place for an operation, what is not decorated is sent all the same.
    const state = this.cell.resolve() as OperationState | undefined;
    const iterator =
      state === undefined
        ? iterable[Symbol.asyncIterator]()
        : operateIterableBody(this, state, iterable);
    const close = () => void iterator.return?.(undefined).catch(noop);
    subscriber?.add(close);
    try {
      for await (const item of { [Symbol.asyncIterator]: () => iterator }) this.sendItem(item);
      subscriber?.complete();
    } catch (error) {
      subscriber?.error(this.answerTo(error));
    } finally {
      if (state === undefined) void this.settle(true, undefined);
    }
  }

  /** The iterable says when it is over. */
  protected override completeChain(): void {}
}
