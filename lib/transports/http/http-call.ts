import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ExecutionContext } from '@nestjs/common';
import { isCancelation } from '../../scope/cancelation-error.js';
import { OutcomeSeen } from '../../operation/operation-errors.js';
import type { OperationPlan } from '../../operation/operation-plan.js';
import type { OperationState } from '../../operation/operation-state.js';
import { shapeOf } from '../../methods/lazy-results.js';
import { IncomingCall } from '../incoming-call.js';
import type { OpenCalls } from '../open-calls.js';
import {
  answerTo,
  askForNewConnection,
  destroySentResponse,
  makeRoomForAnswer,
} from './http-answer.js';
import { canceledMessage } from './canceled-message.js';
import { HttpCaller } from './http-caller.js';
import { type BodyOwner, operateBody } from './http-body.js';
import { answerForHandler, onceOver } from './own-response.js';
import { STATUS_CODES } from '../public-errors.js';
import type { RoutePlan } from './route-plan.js';

/** One HTTP request. */
export class HttpCall extends IncomingCall<RoutePlan, HttpCaller> implements BodyOwner {
  /** The handler has returned, and sends the response by itself. */
  private handlerSends = false;
  /** The first event, where it is all that the client has seen before. */
  private seen: unknown = undefined;
  private hasSentEvent = false;

  constructor(
    calls: OpenCalls,
    route: RoutePlan,
    context: ExecutionContext,
    readonly request: IncomingMessage,
    readonly response: ServerResponse,
  ) {
    super(calls, route, context, new HttpCaller(request, response));
  }

  get route(): RoutePlan {
    return this.handlerPlan;
  }

  get outlivesCaller(): boolean {
    return this.route.outlivesCaller;
  }

  override get isStream(): boolean {
    return this.route.isSse || this.response.headersSent || super.isStream;
  }

  override get hasAnswered(): boolean {
    return this.response.headersSent && !this.hasOwnDeadline;
  }

  protected override operationPlan(): OperationPlan {
    return this.handlerPlan.planFor(this.request.method ?? 'GET', this.context);
  }

  protected override named(state: OperationState): void {
    const { idHeader } = this.handlerPlan;
    if (idHeader === undefined || this.response.headersSent) return;
    this.response.setHeader(idHeader, state.id);
  }

  /** A call that does not follow its caller is never watched, and ignores its deadline too. */
  protected override watchCaller(): boolean {
    const { callerDeadlines } = this.handlerPlan;
    if (callerDeadlines !== undefined) {
      const ignored = () => this.calls.live.deadlineIgnored();
      this.state?.limitByCaller(callerDeadlines.remaining(this.request.headers, ignored));
    }
    return super.watchCaller();
  }

  /** Access logs read the status of a response that was never sent. */
  override disconnected(): void {
    const { response, route } = this;
    if (this.state !== undefined && !response.headersSent) {
      response.statusCode = route.statusCodes.disconnect ?? STATUS_CODES.disconnect;
    }
    super.disconnected();
  }

  protected override isAnswered(): boolean {
    return this.response.writableEnded;
  }

  protected override get subject(): object {
    return this.request;
  }

  protected override translate(error: unknown): unknown {
    return answerTo(this, this.route.statusCodes, error);
  }

  override drain(): void {
    askForNewConnection(this);
  }

  protected override send(value: unknown): void {
    if (this.handlerPlan.isSse) return this.sendEvent(value);
    const shape = typeof value === 'object' && value !== null ? shapeOf(value) : 'value';
    this.subscriber?.next(shape === 'value' ? value : this.streamValue(value as object, shape));
  }

  /** An outcome that the client has seen waits: perhaps there is nothing else to tell. */
  private sendEvent(event: unknown): void {
    const { seen, subscriber } = this;
    this.seen = undefined;
    if (seen !== undefined) subscriber?.next(seen);
    else if (!this.hasSentEvent && isSeenOutcome(event, this.request)) {
      this.seen = event;
      return;
    }
    this.hasSentEvent = true;
    subscriber?.next(event);
  }

  protected override complete(): void {
    if (this.seen === undefined) return super.complete();
    this.subscriber?.error(
      this.answerTo(new OutcomeSeen('The client has seen the outcome of this operation')),
    );
  }

  /** A body that goes on after the chain: the operation lasts as long. */
  private streamValue(value: object, shape: 'observable' | 'iterable' | 'stream'): unknown {
    const state = this.cell.resolve() as OperationState | undefined;
    if (state === undefined || shape === 'observable') return value;
    this.isStreaming = true;
    return operateBody(this, state, value, shape);
  }

  override onComplete(): void {
    if (this.handlerPlan.sendsResponse) this.followResponse();
    super.onComplete();
  }

  /** The handler has returned, and its response goes on: so does the operation. */
  private followResponse(): void {
    const { response } = this;
    if (this.chainIsDone || this.handlerIsRunning) return;
    if (response.writableEnded || response.destroyed) return;
    this.isStreaming = this.handlerSends = true;
    onceOver(response, () => this.responseOver());
    if (this.state !== undefined) this.answerWhenCanceled(this.state);
  }

  override begin(): OperationState {
    const state = super.begin();
    if (this.handlerSends) this.answerWhenCanceled(state);
    return state;
  }

  private answerWhenCanceled(state: OperationState): void {
    state.observe((error) => {
      if (!this.response.writableEnded) answerForHandler(this, this.answerTo(error));
      void this.settle(false, error);
    });
  }

  private responseOver(): void {
    if (this.route.followsCaller && this.isCallerGone()) this.disconnected();
    const error = this.state?.record === undefined ? undefined : this.state.error();
    void this.settle(error === undefined, error);
  }

  protected override releaseBody(): void {
    if (this.handlerSends) return;
    if (this.response.headersSent) destroySentResponse(this);
    else makeRoomForAnswer(this);
  }

  protected override fail(error: unknown): void {
    const { subscriber, response, route } = this;
    if (isCancelation(error) && subscriber !== undefined && !subscriber.closed) {
      if (response.headersSent && route.isSse && !response.writableEnded) {
        subscriber.next(canceledMessage(error));
        subscriber.complete();
        return;
      }
      destroySentResponse(this);
    }
    super.fail(error);
  }
}

/** https://html.spec.whatwg.org/multipage/server-sent-events.html#the-last-event-id-header */
function isSeenOutcome(event: unknown, { headers }: IncomingMessage): boolean {
  const lastEventId = headers['last-event-id'];
  if (lastEventId === undefined || typeof event !== 'object' || event === null) return false;
  const { type, id } = event as { type?: unknown; id?: unknown };
  return type === 'settled' && id === lastEventId;
}
