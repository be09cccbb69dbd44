import { cancelScope } from '../scope/cancel.js';
import { CancelRecord } from '../scope/cancel-record.js';
import { createCancelationError } from '../scope/cancelation-reasons.js';
import type { OperationState } from '../operation/operation-state.js';
import { noop } from '../scope/thenable.js';
import { shapeOf } from '../methods/lazy-results.js';
import { untilRoom } from './backpressure.js';
import type { Caller } from './caller.js';
import type { HandlerPlan } from './handler-plan.js';
import { IncomingCall } from './incoming-call.js';
import { operateIterableBody } from './iterable-body.js';

const DOES_NOT_READ = 'the client does not read what it is sent';

/**
 * A call whose answer is one value after the other: of a microservice, or a WebSocket message. The
 * items of an async iterable are sent as those of an Observable are.
 */
export abstract class MessageCall<
  Plan extends HandlerPlan = HandlerPlan,
  Waiting extends Caller = Caller,
> extends IncomingCall<Plan, Waiting> {
  private hasSent = false;

  override get isStream(): boolean {
    return this.hasSent || super.isStream;
  }

  override get hasAnswered(): boolean {
    return this.hasSent && !this.hasOwnDeadline;
  }

  protected override send(value: unknown): void {
    if (shapeOf(value) === 'iterable') void this.pump(value as AsyncIterable<unknown>);
    else this.sendPushed(value);
  }

  /** Tells whether the caller takes more: a generator is not asked for items that nobody takes. */
  private hasRoom(): boolean {
    return this.caller?.hasRoom() ?? true;
  }

  /** Resolves once the transport has what was sent; `undefined`: it has it at once. */
  protected handOver(): Promise<void> | undefined {
    return undefined;
  }

  /**
   * Tells whether so much waits for the caller that an Observable, which cannot be held back, has
   * to end.
   */
  protected isOverfull(): boolean {
    return false;
  }

  private sendPushed(item: unknown): void {
    this.sendItem(item);
    if (!this.isOverfull()) return;
    const state = this.cell.resolve() as OperationState | undefined;
    if (state !== undefined) cancelScope(state, notReading());
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
    const close = () => {
      if (!this.goesOnAlone()) void iterator.return?.(undefined).catch(noop);
    };
    subscriber?.add(close);
    try {
      for await (const item of { [Symbol.asyncIterator]: () => iterator }) {
        this.sendItem(item);
        await this.handOver();
        if (!this.hasRoom()) await this.waitForRoom(state);
      }
      subscriber?.complete();
    } catch (error) {
      subscriber?.error(this.answerTo(error));
    } finally {
      if (state === undefined) void this.settle(true, undefined);
    }
  }

  private async waitForRoom(state: OperationState | undefined): Promise<void> {
    const { subscriber } = this;
    const goesOn = () =>
      state?.record === undefined && subscriber?.closed !== true && !this.hasRoom();
    if (await untilRoom(this.handlerPlan.streams.patience, goesOn)) return;
    if (state === undefined) throw createCancelationError('disconnect', DOES_NOT_READ, {});
    cancelScope(state, notReading());
  }

  /** The iterable says when it is over. */
  protected override completeChain(): void {}
}

function notReading(): CancelRecord {
  return new CancelRecord('disconnect', DOES_NOT_READ);
}
