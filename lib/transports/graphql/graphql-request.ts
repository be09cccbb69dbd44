import type { IncomingMessage, ServerResponse } from 'node:http';
import { cancelScope } from '../../scope/cancel.js';
import { CancelRecord } from '../../scope/cancel-record.js';
import { settleQuietly } from '../../operation/settle-operation.js';
import { startUnkeyed } from '../../operation/start-operation.js';
import type { OperationState } from '../../operation/operation-state.js';
import { currentCell } from '../../scope/context.js';
import { CallOperation } from '../call-operation.js';
import type { DisconnectListener } from '../close-watch.js';
import { isDisconnected, unwatchDisconnect, watchDisconnect } from '../http/disconnects.js';
import { askForNewConnection } from '../http/http-answer.js';
import type { OpenCalls } from '../open-calls.js';
import type { RequestPlans } from './request-plans.js';

/** A request as its framework sees it: Express mounts GraphQL by a prefix, Fastify has a route. */
export interface RequestOrigin {
  readonly baseUrl?: string;
  readonly routeOptions?: { readonly url?: string };
}

/**
 * One HTTP request for GraphQL. Nest calls no interceptor for a field's resolver, so what fields
 * begin finds its way to the client through the async context of the whole request: its operation
 * comes into being on first use, and lasts until the response is over. Its resolvers, which have
 * operations of their own below, are sent away one by one, and GraphQL answers with what they gave.
 */
export class GraphqlRequest extends CallOperation implements DisconnectListener {
  /**
   * The context it came in: while the application drains, guards may still call what is decorated.
   */
  private readonly arrival = currentCell();

  constructor(
    calls: OpenCalls,
    private readonly plans: RequestPlans,
    private readonly origin: RequestOrigin,
    readonly request: IncomingMessage,
    readonly response: ServerResponse,
  ) {
    super(calls);
    response.once('close', () => this.end());
    if (!watchDisconnect(request, response, this)) this.end();
  }

  override get isStream(): boolean {
    return this.response.headersSent;
  }

  override get hasAnswered(): boolean {
    return this.response.headersSent;
  }

  override begin(): OperationState {
    const { calls, plans, request } = this;
    const plan = plans.planFor(request.method ?? 'POST', pathOf(this.origin));
    return (this.state = startUnkeyed(calls.live, plan, this.arrival, undefined, this.cell));
  }

  /** A response that waits behind another on its connection hears of the client nowhere else. */
  disconnected(): void {
    this.end();
  }

  private end(): void {
    if (this.isOver) return;
    this.leave();
    const { request, response, state } = this;
    unwatchDisconnect(request, response, this);
    const isGone = isDisconnected(request, response);
    this.cell.outlived = isGone;
    if (state === undefined) {
      this.cell.empty(isGone);
      return;
    }
    if (isGone) cancelScope(state, new CancelRecord('disconnect'));
    const succeeded = state.record === undefined;
    void settleQuietly(state, succeeded, succeeded ? undefined : state.error());
  }

  override drain(): void {
    askForNewConnection(this);
  }
}

function pathOf({ routeOptions, baseUrl }: RequestOrigin): string | undefined {
  return routeOptions?.url ?? baseUrl;
}
