import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ExecutionContext } from '@nestjs/common';
import type { Observable, Operator, Subscriber } from 'rxjs';
import { contextStorage } from '../../core/ambient.js';
import { cancelScope } from '../../core/cancel.js';
import { CancelRecord } from '../../core/cancel-record.js';
import { type CancelationError, isCancelation } from '../../core/cancelation-error.js';
import { isDueTo } from '../../core/causes.js';
import { settleOperation, startOperation } from '../../core/lifecycle.js';
import { OperationLimit } from '../../core/operation-errors.js';
import type { OperationState } from '../../core/operation-state.js';
import type { Scope } from '../../core/scope.js';
import type { LiveOperations } from '../../registry/live-operations.js';
import { shapeOf } from '../../streams/lazy-results.js';
import {
  type DisconnectListener,
  isDisconnected,
  unwatchDisconnect,
  watchDisconnect,
} from './disconnects.js';
import {
  answerTo,
  canceledMessage,
  destroySentResponse,
  makeRoomForAnswer,
} from './http-answer.js';
import { type ChainListener, ChainSubscriber } from '../chain-subscriber.js';
import { type BodyOwner, operateBody } from './http-body.js';
import { HttpCell, type HttpCellOwner } from './http-cell.js';
import type { RoutePlan } from './route-plan.js';

/**
 * One HTTP request: the context its handler runs in, and its operation, once there is one. Stands
 * outermost in the chain of interceptors: what comes out of the chain is what the client gets.
 */
export class HttpCall
  implements HttpCellOwner, DisconnectListener, BodyOwner, ChainListener, Operator<unknown, unknown>
{
  readonly cell: HttpCell = new HttpCell(this);
  private subscriber: Subscriber<unknown> | undefined = undefined;
  private upstream: ChainSubscriber | undefined = undefined;
  private state: OperationState | undefined = undefined;
  /** Nothing comes out of the chain any more. */
  private chainIsDone = false;
  private isOver = false;
  private isClaimed = false;
  /** The handler's promise is pending. */
  private handlerIsRunning = false;
  private releaseHandler: ((error: unknown) => void) | undefined = undefined;
  private late: { readonly succeeded: boolean; readonly value: unknown } | undefined = undefined;
  /** What came out of the chain last. */
  private value: unknown = undefined;
  private isStreaming = false;
  private hasOwnDeadline = false;

  constructor(
    private readonly live: LiveOperations,
    readonly route: RoutePlan,
    readonly context: ExecutionContext,
    readonly request: IncomingMessage,
    readonly response: ServerResponse,
  ) {}

  get headersSent(): boolean {
    return this.response.headersSent && !this.hasOwnDeadline;
  }

  materialize(): Scope | undefined {
    if (this.isOver) return undefined;
    try {
      return this.begin();
    } catch (error) {
      if (error instanceof OperationLimit) return undefined;
      throw error;
    }
  }

  begin(): OperationState {
    const { request, response, route } = this;
    const plan = route.planFor(request.method ?? 'GET', this.context);
    const call = route.callOptions(this.context);
    const state = startOperation(this.live, plan, undefined, call, this.cell);
    this.state = state;
    if (plan.race) state.edge = this;
    if (route.idHeader !== undefined) this.showId(state.id);
    if (route.followsClient && !watchDisconnect(request, response, this)) this.disconnected();
    return state;
  }

  private showId(id: string): void {
    const { route, response } = this;
    if (route.idHeader === undefined || response.headersSent) return;
    response.setHeader(route.idHeader, id);
  }

  /** The chain as the router sees it. */
  connect(source: Observable<unknown>): Observable<unknown> {
    return source.lift(this);
  }

  /** The router subscribes. */
  call(subscriber: Subscriber<unknown>, source: Observable<unknown>): void {
    this.subscriber = subscriber;
    if (this.state?.record !== undefined) {
      this.deliverError(this.state.error());
      return;
    }
    this.upstream = new ChainSubscriber(subscriber, this);
    contextStorage.run(this.cell, subscribeTo, source, this.upstream);
  }

  claim(definition: object): OperationState | undefined {
    if (this.isClaimed || this.isOver || this.route.definition !== definition) return undefined;
    this.isClaimed = true;
    return this.state;
  }

  renamed(id: string): void {
    this.showId(id);
  }

  retimed(): void {
    this.hasOwnDeadline = true;
  }

  /** The handler's promise: it is let go with the operation, and its end awaited all the same. */
  followHandler(body: Promise<unknown>): Promise<unknown> {
    const state = this.state as OperationState;
    this.handlerIsRunning = true;
    return new Promise((resolve, reject) => {
      if (state.plan.race) {
        if (state.record !== undefined) reject(state.error());
        else this.releaseHandler = reject;
      }
      body.then(
        (value) => {
          this.handlerIsRunning = false;
          this.releaseHandler = undefined;
          resolve(value);
          this.onHandlerOver(state, true, value);
        },
        (error: unknown) => {
          this.handlerIsRunning = false;
          this.releaseHandler = undefined;
          reject(state.record !== undefined && isDueTo(state, error) ? state.error() : error);
          this.onHandlerOver(state, false, error);
        },
      );
    });
  }

  /** What a handler gives after it was let go says how it ended, whatever the chain makes of it. */
  private onHandlerOver(state: OperationState, succeeded: boolean, value: unknown): void {
    if (this.chainIsDone) void this.settle(succeeded, value);
    else if (state.record !== undefined && state.plan.race) this.late = { succeeded, value };
  }

  disconnected(): void {
    const { state, response } = this;
    if (state === undefined || response.writableEnded) return;
    cancelScope(state, new CancelRecord('disconnect', undefined, undefined, undefined));
  }

  onValue(value: unknown): void {
    const shape = typeof value === 'object' && value !== null ? shapeOf(value) : 'value';
    this.value = value;
    this.subscriber?.next(
      shape === 'value' || this.route.isSse ? value : this.streamValue(value as object, shape),
    );
  }

  onComplete(): void {
    if (this.chainIsDone) return;
    this.chainIsDone = true;
    if (this.isStreaming) {
      this.subscriber?.complete();
      return;
    }
    const finish = () => this.subscriber?.complete();
    this.afterChain(true, this.value, finish);
  }

  onError(error: unknown): void {
    if (this.chainIsDone) return;
    this.chainIsDone = true;
    this.afterChain(false, error, () => {
      const { state } = this;
      const isDue = state?.record !== undefined && isDueTo(state, error);
      this.fail(isDue ? state.error() : error);
    });
  }

  /** Settles what there is to settle, then lets the router know. */
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

  onTeardown(): void {
    if (this.chainIsDone) return;
    this.chainIsDone = true;
    this.stopConsumer();
    this.upstream?.unsubscribe();
    if (!this.handlerIsRunning) void this.settle(false, this.state?.error());
  }

  /** The router, or an interceptor, has lost interest: the client left, or it was answered early. */
  stopConsumer(): void {
    const { state, request, response } = this;
    this.isOver = true;
    if (state === undefined) return;
    const record = isDisconnected(request, response)
      ? new CancelRecord('disconnect', undefined, undefined, undefined)
      : new CancelRecord('manual', 'consumer stopped', undefined, undefined);
    cancelScope(state, record);
  }

  /** The operation was canceled: whoever waits is let go. */
  release(error: CancelationError): void {
    const { releaseHandler } = this;
    if (releaseHandler !== undefined) {
      this.releaseHandler = undefined;
      releaseHandler(error);
    } else if (this.isStreaming) {
      if (this.response.headersSent) destroySentResponse(this);
      else makeRoomForAnswer(this);
    } else if (this.subscriber !== undefined && !this.chainIsDone) {
      this.deliverError(error);
    }
  }

  private deliverError(error: CancelationError): void {
    this.chainIsDone = true;
    this.upstream?.unsubscribe();
    this.fail(error);
    if (!this.handlerIsRunning) void this.settle(false, error);
  }

  private fail(error: unknown): void {
    const { subscriber, response, route } = this;
    if (subscriber === undefined || subscriber.closed) return;
    if (isCancelation(error)) {
      if (response.headersSent && route.isSse && !response.writableEnded) {
        subscriber.next(canceledMessage(error));
        subscriber.complete();
        return;
      }
      destroySentResponse(this);
    }
    subscriber.error(answerTo(this, error));
  }

  /** A body that goes on after the chain: the operation lasts as long. */
  private streamValue(value: object, shape: 'observable' | 'iterable' | 'stream'): unknown {
    const state = this.cell.resolve() as OperationState | undefined;
    if (state === undefined || shape === 'observable') return value;
    this.isStreaming = true;
    return operateBody(this, state, value, shape);
  }

  /** @returns when cleanups have run, if there are any */
  settle(succeeded: boolean, value: unknown): Promise<unknown> | undefined {
    const { state, late } = this;
    this.isOver = true;
    if (state === undefined) {
      this.cell.empty(false);
      return undefined;
    }
    if (state.outcome !== undefined) return undefined;
    unwatchDisconnect(this.request, this.response, this);
    try {
      const pending = settleOperation(
        state,
        late === undefined ? succeeded : late.succeeded,
        late === undefined ? value : late.value,
      );
      return pending instanceof Promise ? pending.catch(doNothing) : undefined;
    } catch {
      // What the operation failed with is on its way to the router already.
      return undefined;
    }
  }
}

function doNothing(): void {}

function subscribeTo(source: Observable<unknown>, subscriber: Subscriber<unknown>): void {
  source.subscribe(subscriber);
}
