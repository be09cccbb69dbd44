import type { CallHandler, ExecutionContext } from '@nestjs/common';
import { EMPTY, type Observable } from 'rxjs';
import type { OperationPlan } from '../../operation/operation-plan.js';
import { SocketCaller } from '../caller.js';
import { MessageCall } from '../message-call.js';
import type { OpenCalls } from '../open-calls.js';
import { toWsError } from './ws-errors.js';
import type { WsPlan } from './ws-plan.js';

/** One message of a client, over socket.io or ws. */
export class WsCall extends MessageCall<WsPlan, SocketCaller> {
  constructor(calls: OpenCalls, plan: WsPlan, context: ExecutionContext) {
    super(calls, plan, context, new SocketCaller(context.switchToWs().getClient<object>()));
  }

  protected override operationPlan(): OperationPlan {
    return this.handlerPlan.operation;
  }

  protected override isOverfull(): boolean {
    return this.caller?.isOverfull(this.handlerPlan.streams.maxBuffered) ?? false;
  }

  protected override translate(error: unknown): unknown {
    return toWsError(error);
  }

  /** Nest has let go of the messages of a client that left meanwhile: nobody would subscribe. */
  override connect(next: CallHandler): Observable<unknown> {
    if (!this.isCallerGone()) return super.connect(next);
    this.onTeardown();
    return EMPTY;
  }

  /** Nest unsubscribes when a client leaves; a promise that does not follow its client goes on. */
  override stopConsumer(): void {
    const goesOn = !this.handlerPlan.followsCaller && this.handlerIsRunning && this.isCallerGone();
    if (!goesOn) super.stopConsumer();
  }
}
