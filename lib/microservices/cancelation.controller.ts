import { Controller, Inject } from '@nestjs/common';
import { readCancelMessage } from '../transports/rpc/carried.js';
import { CorrelatedCalls } from '../transports/rpc/correlated-calls.js';
import { OperationRegistry } from '../registry/operation-registry.js';
import { OnCancelMessage } from './on-cancel-message.js';

/**
 * Hears of callers that stopped waiting, and cancels exactly their call: with reason `disconnect`,
 * or `timeout` if the time that the caller sent along is over. Add it to the controllers of one
 * module of a service that others call over TCP, Redis or NATS.
 *
 * A call can only be canceled by who knows its random id, which travels with it: whoever may read
 * the requests of a broker. An id that is not known, or no more, changes nothing. Global guards and
 * pipes run for this event too; let `nestjs-cancelable.cancel` pass.
 *
 * @example
 * \@Module({ controllers: [RatesController, CancelationController] })
 * export class RatesModule {}
 * @publicApi
 */
@Controller()
export class CancelationController {
  private readonly calls: CorrelatedCalls;

  constructor(@Inject(OperationRegistry) registry: OperationRegistry) {
    this.calls = CorrelatedCalls.of(OperationRegistry.liveOf(registry));
  }

  // Every instance hears of every cancel, whatever queue of NATS they share. Where Nest knows no
  // queue per handler (early 11), instances that share one need a connection without it for this
  // event.
  /** Another service cancels a call of its own. Called by Nest. */
  @OnCancelMessage()
  cancel(payload: unknown): void {
    const message = readCancelMessage(payload);
    if (message !== undefined) this.calls.cancel(message);
  }
}
