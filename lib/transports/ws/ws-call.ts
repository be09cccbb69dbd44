import type { CallHandler, ExecutionContext } from '@nestjs/common';
import { EMPTY, type Observable } from 'rxjs';
import type { OperationPlan } from '../../operation/operation-plan.js';
import { bufferedBytes, hasRoom } from '../backpressure.js';
import { type DisconnectListener, isClosed, unwatchClose, watchClose } from '../close-watch.js';
import { MessageCall } from '../message-call.js';
import type { OpenCalls } from '../open-calls.js';
import { toWsError } from './ws-errors.js';
import type { WsPlan } from './ws-plan.js';

/** One message of a client, over socket.io or ws. */
export class WsCall extends MessageCall implements DisconnectListener {
  private readonly client: object;

  constructor(
    calls: OpenCalls,
    private readonly plan: WsPlan,
    context: ExecutionContext,
  ) {
    super(calls, plan, context);
    this.client = context.switchToWs().getClient<object>();
  }

  protected override operationPlan(): OperationPlan {
    return this.plan.operation;
  }

  protected override watchCaller(): boolean {
    return watchClose(this.client, this);
  }

  protected override unwatchCaller(): void {
    unwatchClose(this.client, this);
  }

  protected override isCallerGone(): boolean {
    return isClosed(this.client);
  }

  protected override hasRoom(): boolean {
    return this.isCallerGone() || hasRoom(this.client);
  }

  protected override isOverfull(): boolean {
    const { maxBuffered } = this.entry.streams;
    return !this.isCallerGone() && bufferedBytes(this.client, maxBuffered) > maxBuffered;
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
    const goesOn = !this.plan.followsCaller && this.handlerIsRunning && this.isCallerGone();
    if (!goesOn) super.stopConsumer();
  }
}
