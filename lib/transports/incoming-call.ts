import type { CallHandler, ExecutionContext } from '@nestjs/common';
import { NEVER, type Observable, type Operator, type Subscriber, throwError } from 'rxjs';
import { cancelScope } from '../scope/cancel.js';
import { CancelRecord } from '../scope/cancel-record.js';
import type { CancelationError } from '../scope/cancelation-error.js';
import { surfacing } from '../operation/causes.js';
import type { ContextCell } from '../scope/context.js';
import { settleQuietly } from '../operation/settle-operation.js';
import { startUnkeyed } from '../operation/start-operation.js';
import type { OperationPlan } from '../operation/operation-plan.js';
import type { Responder } from '../operation/operation-parts.js';
import type { OperationState } from '../operation/operation-state.js';
import { CallOperation } from './call-operation.js';
import type { Caller } from './caller.js';
import { type ChainListener, ChainSubscriber } from './chain-subscriber.js';
import type { DisconnectListener } from './close-watch.js';
import type { HandlerPlan } from './handler-plan.js';
import { FollowedHandler, type HandlerOwner } from './followed-handler.js';
import { rememberFailure } from './operation-of.js';
import type { OpenCalls } from './open-calls.js';

/**
 * One call that came in, of any kind: the context its handler runs in, and its operation, once
 * there is one. Stands outermost in the chain of interceptors: what comes out of the chain is what
 * the caller gets. Each transport brings its caller, and says how that is told of errors.
 */
export abstract class IncomingCall<
  Plan extends HandlerPlan = HandlerPlan,
  Waiting extends Caller = Caller,
>
  extends CallOperation
  implements HandlerOwner, ChainListener, DisconnectListener, Responder, Operator<unknown, unknown>
{
  private next: CallHandler | undefined = undefined;
  protected subscriber: Subscriber<unknown> | undefined = undefined;
  /** Nothing comes out of the chain any more. */
  protected chainIsDone = false;
  /** A body goes on after the chain, and settles the operation. */
  protected isStreaming = false;
  private upstream: ChainSubscriber | undefined = undefined;
  private isClaimed = false;
  /** The handler, if it gave a promise. */
  private handler: FollowedHandler | undefined = undefined;
  private late: { readonly succeeded: boolean; readonly value: unknown } | undefined = undefined;
  /** The value that came out of the chain last. */
  private value: unknown = undefined;

  constructor(
    calls: OpenCalls,
    readonly handlerPlan: Plan,
    readonly context: ExecutionContext,
    /** Waits for the answer; `undefined`: the transport does not know who. */
    protected readonly caller: Waiting | undefined,
  ) {
    super(calls);
  }

  /** The handler's promise is pending. */
  protected get handlerIsRunning(): boolean {
    return this.handler?.isRunning === true;
  }

  override get isStream(): boolean {
    return this.isStreaming || (this.isClaimed && !this.handlerIsRunning);
  }

  protected abstract operationPlan(): OperationPlan;
  /** The context of what this call is a part of. */
  protected parentCell(): ContextCell | undefined {
    return undefined;
  }
  /** Follows the caller until `unwatchCaller()`. @returns whether it is still there */
  protected watchCaller(): boolean {
    return this.caller?.watch(this) ?? true;
  }
  protected unwatchCaller(): void {
    this.caller?.unwatch(this);
  }
  /** Whether the caller is gone before it got its answer. */
  protected isCallerGone(): boolean {
    return this.caller?.isGone() ?? false;
  }
  /** Whether the caller has got all of its answer. */
  protected isAnswered(): boolean {
    return this.chainIsDone && !this.isStreaming;
  }
  /** An error as the transport understands it. */
  answerTo(error: unknown): unknown {
    const answer = this.translate(this.own(error));
    const { state } = this;
    if (state !== undefined) {
      rememberFailure(error, state, this.subject);
      if (answer !== error) rememberFailure(answer, state, this.subject);
    }
    return answer;
  }
  /** An object that lives as long as the call, by which filters find its operation. */
  protected get subject(): object | undefined {
    return undefined;
  }
  protected abstract translate(error: unknown): unknown;
  /** Sends a value that came out of the chain. */
  protected abstract send(value: unknown): void;
  /** A body that goes on after the chain is canceled; an iterable hears of it by itself. */
  protected releaseBody(): void {}

  /** Answers although the handler still runs: there is no more time to wait for it. */
  override abandon(): void {
    const { state } = this;
    if (state?.record === undefined || this.chainIsDone) return;
    if (this.subscriber !== undefined) this.deliverError(state.error());
  }

  /** @throws what refuses the start */
  override begin(): OperationState {
    const { handlerPlan, calls } = this;
    const call = handlerPlan.callOptions(this.context);
    const plan = this.operationPlan();
    const state = startUnkeyed(calls.live, plan, this.parentCell(), call, this.cell);
    this.state = state;
    if (state.plan.race) state.responder = this;
    this.named(state);
    if (handlerPlan.followsCaller && !this.watchCaller()) this.disconnected();
    return state;
  }

  /** It is not served. @returns what the transport gets instead of an answer */
  refuse(error: unknown): Observable<unknown> {
    return throwError(() => this.answerTo(error));
  }

  /** The chain as the transport sees it. */
  connect(next: CallHandler): Observable<unknown> {
    this.next = next;
    return NEVER.lift(this);
  }

  /** The transport subscribes: the chain begins, in the context of this call. */
  call(subscriber: Subscriber<unknown>): void {
    this.subscriber = subscriber;
    if (this.state?.record !== undefined) {
      this.deliverError(this.state.error());
      return;
    }
    this.upstream = new ChainSubscriber(subscriber, this);
    this.upstream.follow(this.next as CallHandler, this.cell);
  }

  override claim(body: object): OperationState | undefined {
    if (this.isClaimed || this.isOver || this.handlerPlan.body !== body) return undefined;
    this.isClaimed = true;
    return this.state;
  }

  /** Nobody knows when the handler is over. */
  private get isUnfollowed(): boolean {
    return this.handlerPlan.definition === undefined && !this.isClaimed;
  }

  override followHandler(body: Promise<unknown>): Promise<unknown> {
    const state = this.state as OperationState;
    this.handler = new FollowedHandler(state, this);
    // A call that joins gets what the handler gives, not what interceptors make of that.
    return (state.promise = this.handler.follow(body));
  }

  /** Keeps how a released handler has ended, whatever the chain makes of it. */
  handlerEnded(state: OperationState, succeeded: boolean, value: unknown): void {
    if (this.chainIsDone) void this.settle(succeeded, value);
    else if (state.record !== undefined && state.plan.race) this.late = { succeeded, value };
  }

  /** The connection of the caller has closed, or was closed when the watch began. */
  disconnected(): void {
    const { state } = this;
    if (state === undefined || this.isAnswered()) return;
    cancelScope(state, new CancelRecord('disconnect'));
  }

  onValue(value: unknown): void {
    this.value = value;
    this.send(value);
  }

  onComplete(): void {
    if (this.chainIsDone) return;
    this.chainIsDone = true;
    if (this.isStreaming) return this.completeChain();
    this.afterChain(true, this.value, () => this.complete());
  }

  /** The transport hears of the end. */
  protected complete(): void {
    this.subscriber?.complete();
  }

  /** The chain is over, and a body goes on. */
  protected completeChain(): void {
    this.subscriber?.complete();
  }

  onError(error: unknown): void {
    if (this.chainIsDone) return;
    this.chainIsDone = true;
    this.afterChain(false, error, () => {
      this.fail(this.own(this.state === undefined ? error : surfacing(this.state, error)));
    });
  }

  /** Settles what there is to settle, then lets the transport know. */
  private afterChain(succeeded: boolean, value: unknown, then: () => void): void {
    if (this.handlerIsRunning) {
      this.stopConsumer();
      then();
      return;
    }
    const pending = this.settle(succeeded, value);
    if (pending === undefined) then();
    else void pending.then(then);
  }

  /** The caller has left, and the work is wanted all the same. */
  goesOnAlone(): boolean {
    return (
      this.handlerPlan.outlivesCaller && this.state?.record === undefined && this.isCallerGone()
    );
  }

  keepsChain(): boolean {
    return !this.chainIsDone && this.goesOnAlone();
  }

  onTeardown(): void {
    if (this.chainIsDone) return;
    this.chainIsDone = true;
    this.cell.outlived = this.isUnfollowed;
    this.stopConsumer();
    this.leaveChain();
    if (!this.handlerIsRunning) void this.settle(false, this.state?.error());
  }

  /**
   * The transport, or an interceptor, has lost interest. `disconnected()`, which hears the connection
   * itself, mostly comes first. This records a `disconnect` where a socket has not said so yet.
   */
  stopConsumer(): void {
    const { state } = this;
    this.isOver = true;
    if (state === undefined) return;
    const record = this.isCallerGone()
      ? new CancelRecord('disconnect')
      : new CancelRecord('manual', 'consumer stopped');
    cancelScope(state, record);
  }

  /** The operation was canceled: whoever waits is let go. */
  release(error: CancelationError): void {
    if (this.handler?.release(error) === true) return;
    if (this.isStreaming) {
      this.releaseBody();
    } else if (this.subscriber !== undefined && !this.chainIsDone) {
      this.deliverError(error);
    }
  }

  private deliverError(error: CancelationError): void {
    this.chainIsDone = true;
    this.cell.outlived = this.isUnfollowed;
    this.leaveChain();
    this.fail(error);
    if (!this.handlerIsRunning) void this.settle(false, error);
  }

  private leaveChain(): void {
    this.upstream?.leave(this.calls.live.log, this.state ?? { name: 'a call' });
  }

  protected fail(error: unknown): void {
    const { subscriber } = this;
    if (subscriber !== undefined && !subscriber.closed) subscriber.error(this.answerTo(error));
  }

  /** @returns when cleanups have run, if there are any */
  settle(succeeded: boolean, value: unknown): Promise<unknown> | undefined {
    const { state, late } = this;
    this.leave();
    if (state === undefined) {
      this.cell.empty(false);
      return undefined;
    }
    if (state.outcome !== undefined) return undefined;
    this.unwatchCaller();
    return settleQuietly(
      state,
      late === undefined ? succeeded : late.succeeded,
      late === undefined ? value : late.value,
    );
  }
}
