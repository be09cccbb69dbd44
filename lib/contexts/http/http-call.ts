import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ExecutionContext, StreamableFile } from '@nestjs/common';
import { Observable, type Subscriber, type Subscription } from 'rxjs';
import { contextStorage } from '../../core/ambient.js';
import { cancelScope } from '../../core/cancel.js';
import { CancelRecord } from '../../core/cancel-record.js';
import { type CancelationError, isCancelation } from '../../core/cancelation-error.js';
import { ContextCell } from '../../core/context.js';
import { isDueTo } from '../../core/causes.js';
import { settleOperation, startOperation } from '../../core/lifecycle.js';
import { OperationLimit } from '../../core/operation-errors.js';
import type { OperationState } from '../../core/operation-state.js';
import type { Scope } from '../../core/scope.js';
import type { HandlerCell } from '../../decorators/method-definition.js';
import type { LiveOperations } from '../../registry/live-operations.js';
import { destroyStream, followStream } from '../../streams/flowing-results.js';
import { operateIterator, shapeOf, streamOf, takeOver } from '../../streams/lazy-results.js';
import {
  type DisconnectListener,
  isDisconnected,
  unwatchDisconnect,
  watchDisconnect,
} from './disconnects.js';
import { PUBLIC_MESSAGES } from './http-options.js';
import {
  OperationCanceledException,
  publicCode,
  publicReason,
  toHttpError,
} from './operation-canceled.exception.js';
import type { RoutePlan } from './route-plan.js';

/** Seconds a client is asked to wait before it comes back to a server that shuts down. */
const RETRY_AFTER = '10';

/** What a stream's headers say of its body, and an error's body does not. */
const BODY_HEADERS = ['Content-Type', 'Content-Length', 'Content-Disposition'];

/**
 * One HTTP request: the context its handler runs in, and its operation, once there is one. Stands
 * outermost in the chain of interceptors: what comes out of the chain is what the client gets.
 */
export class HttpCall extends ContextCell implements HandlerCell, DisconnectListener {
  private subscriber: Subscriber<unknown> | undefined = undefined;
  private upstream: Subscription | undefined = undefined;
  private state: OperationState | undefined = undefined;
  /** Nothing comes out of the chain any more. */
  private chainIsDone = false;
  private isOver = false;
  private isClaimed = false;
  /** The handler's promise is pending. */
  private handlerIsRunning = false;
  private releaseHandler: ((error: unknown) => void) | undefined = undefined;
  private late: { readonly succeeded: boolean; readonly value: unknown } | undefined = undefined;
  private isStreaming = false;
  private hasOwnDeadline = false;

  constructor(
    private readonly live: LiveOperations,
    private readonly route: RoutePlan,
    private readonly context: ExecutionContext,
    private readonly request: IncomingMessage,
    private readonly response: ServerResponse,
  ) {
    super(undefined);
  }

  get headersSent(): boolean {
    return this.response.headersSent && !this.hasOwnDeadline;
  }

  /** The operation comes into being on first use. */
  override resolve(): Scope | undefined {
    if (this.scope !== undefined || this.isOver) return this.scope;
    try {
      return this.begin();
    } catch (error) {
      if (error instanceof OperationLimit) return undefined;
      throw error;
    }
  }

  override empty(canceled: boolean): void {
    super.empty(canceled);
    this.isOver = true;
  }

  begin(): OperationState {
    const { request, response, route } = this;
    const { originalMethod, path } = routeOf(this.context, request);
    const plan = route.planFor(originalMethod, path);
    const call = route.callOptions(this.context);
    const state = startOperation(this.live, plan, undefined, call, this);
    this.state = state;
    if (plan.race) {
      state.resolve = doNothing;
      state.reject = (error) => this.release(error as CancelationError);
    }
    if (route.idHeader !== undefined && !response.headersSent) {
      response.setHeader(route.idHeader, state.id);
    }
    if (route.followsClient && !watchDisconnect(request, response, this)) this.disconnected();
    return state;
  }

  /** The chain as the router sees it. */
  connect(source: Observable<unknown>): Observable<unknown> {
    return new Observable((subscriber) => {
      this.subscriber = subscriber;
      if (this.state?.record !== undefined) {
        this.deliverError(this.state.error());
        return undefined;
      }
      const upstream = contextStorage.run(this, () =>
        source.subscribe({
          next: (value) => this.onValue(value),
          error: (error: unknown) => this.onError(error),
          complete: () => this.onComplete(),
        }),
      );
      if (this.chainIsDone) upstream.unsubscribe();
      else this.upstream = upstream;
      return () => this.onTeardown();
    });
  }

  override claim(definition: object): OperationState | undefined {
    if (this.isClaimed || this.isOver || this.route.definition !== definition) return undefined;
    this.isClaimed = true;
    return this.state;
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

  private onValue(value: unknown): void {
    const shape = typeof value === 'object' && value !== null ? shapeOf(value) : 'value';
    this.subscriber?.next(
      shape === 'value' || this.route.isSse ? value : this.streamValue(value as object, shape),
    );
  }

  private onComplete(): void {
    if (this.chainIsDone) return;
    this.chainIsDone = true;
    if (this.isStreaming) {
      this.subscriber?.complete();
      return;
    }
    const finish = () => this.subscriber?.complete();
    this.afterChain(true, undefined, finish);
  }

  private onError(error: unknown): void {
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

  private onTeardown(): void {
    if (this.chainIsDone) return;
    this.chainIsDone = true;
    this.stopConsumer();
    this.upstream?.unsubscribe();
    if (!this.handlerIsRunning) void this.settle(false, this.state?.error());
  }

  /** The router, or an interceptor, has lost interest: the client left, or it was answered early. */
  private stopConsumer(): void {
    const { state, request, response } = this;
    this.isOver = true;
    if (state === undefined) return;
    const record = isDisconnected(request, response)
      ? new CancelRecord('disconnect', undefined, undefined, undefined)
      : new CancelRecord('manual', 'consumer stopped', undefined, undefined);
    cancelScope(state, record);
  }

  /** The operation was canceled: whoever waits is let go. */
  private release(error: CancelationError): void {
    const { releaseHandler } = this;
    if (releaseHandler !== undefined) {
      this.releaseHandler = undefined;
      releaseHandler(error);
    } else if (this.isStreaming) {
      this.stopStreaming();
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
        const reason = publicReason(error);
        const data = { code: publicCode(reason), message: PUBLIC_MESSAGES[reason] };
        subscriber.next({ type: 'canceled', data });
        subscriber.complete();
        return;
      }
      this.destroySentResponse();
    }
    subscriber.error(this.translate(error));
  }

  /** Nest would end a response whose headers are sent, and the client would take it for complete. */
  private destroySentResponse(): void {
    const { response } = this;
    if (response.headersSent && !response.writableEnded) response.destroy();
  }

  private translate(error: unknown): unknown {
    if (isCancelation(error) && publicReason(error) === 'shutdown') this.askToComeBack();
    return toHttpError(error, this.route.statusCodes);
  }

  private askToComeBack(): void {
    const { request, response } = this;
    if (response.headersSent) return;
    response.setHeader('Retry-After', RETRY_AFTER);
    if (request.httpVersionMajor < 2) response.setHeader('Connection', 'close');
  }

  /** A body that goes on after the chain: the operation lasts as long. */
  private streamValue(value: object, shape: 'observable' | 'iterable' | 'stream'): unknown {
    const state = this.resolve() as OperationState | undefined;
    if (state === undefined || shape === 'observable') return value;
    this.isStreaming = true;
    if (shape === 'iterable') {
      const iterator = this.streamIterable(state, value as AsyncIterable<unknown>);
      this.onResponseOver(() => void iterator.return(undefined).catch(doNothing));
      return iterator;
    }
    const stream = streamOf(value) as object;
    this.onResponseOver(() => {
      if (state.record === undefined) void this.settle(true, undefined);
      destroyStream(stream, undefined);
    });
    if (value instanceof StreamableFile) this.answerCanceledFile(value);
    followStream(
      state,
      stream,
      (succeeded, error) => this.onStreamOver(succeeded, error),
      (error) => this.translate(error) as Error,
    );
    return value;
  }

  private streamIterable(
    state: OperationState,
    iterable: AsyncIterable<unknown>,
  ): AsyncGenerator<unknown> {
    return operateIterator(
      {
        begin: () => state,
        end: async (_state, succeeded, error) => {
          await this.settle(succeeded, error);
          if (succeeded) return;
          const isDue = state.record !== undefined && isDueTo(state, error);
          throw this.translate(isDue ? state.error() : error);
        },
        translate: (error) => this.translate(error),
        stop: () => this.stopConsumer(),
        skip: () => {
          const succeeded = state.record === undefined;
          void this.settle(succeeded, succeeded ? undefined : state.error());
        },
      },
      () => takeOver(iterable),
    );
  }

  /** A file that is canceled before its first byte is answered like any other request. */
  private answerCanceledFile(file: StreamableFile): void {
    const { errorHandler } = file;
    file.setErrorHandler((error, response) => {
      const isOurs = error instanceof OperationCanceledException;
      if (!isOurs || this.response.headersSent) return errorHandler(error, response);
      this.response.statusCode = error.getStatus();
      this.response.setHeader('Content-Type', 'application/json; charset=utf-8');
      this.response.end(JSON.stringify(error.getResponse()));
    });
  }

  /** A stream that has not sent a byte leaves room for an answer, but not for its headers. */
  private stopStreaming(): void {
    if (this.response.headersSent) return this.destroySentResponse();
    const response = this.context.switchToHttp().getResponse<{
      removeHeader?(name: string): void;
    }>();
    for (const name of BODY_HEADERS) response.removeHeader?.(name);
  }

  private onStreamOver(succeeded: boolean, error: unknown): void {
    if (!succeeded && isDisconnected(this.request, this.response)) this.disconnected();
    void this.settle(succeeded, error);
  }

  /** A body that is not read to its end, a HEAD request's for one, ends with the response. */
  private onResponseOver(closeBody: () => void): void {
    this.response.once('close', () => {
      this.disconnected();
      closeBody();
    });
  }

  /** @returns when cleanups have run, if there are any */
  private settle(succeeded: boolean, value: unknown): Promise<unknown> | undefined {
    const { state, late } = this;
    this.isOver = true;
    if (state === undefined || state.outcome !== undefined) return undefined;
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

/** Express keeps the route on the request, Fastify its options. */
function routeOf(
  context: ExecutionContext,
  raw: IncomingMessage,
): { originalMethod: string; path: unknown } {
  const request = context.switchToHttp().getRequest<{
    route?: { path?: unknown };
    routeOptions?: { url?: unknown };
  }>();
  return {
    originalMethod: raw.method ?? 'GET',
    path: request.routeOptions?.url ?? request.route?.path,
  };
}
