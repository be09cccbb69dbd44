import type { ExecutionContext } from '@nestjs/common';
import { isCancelation } from '../../scope/cancelation-error.js';
import { type ContextCell, currentCell } from '../../scope/context.js';
import type { OperationPlan } from '../../operation/operation-plan.js';
import type { OperationState } from '../../operation/operation-state.js';
import { shapeOf } from '../../methods/lazy-results.js';
import { IncomingCall } from '../incoming-call.js';
import { operateIterableBody } from '../iterable-body.js';
import type { OpenCalls } from '../open-calls.js';
import { publicReason } from '../public-errors.js';
import { clientOf } from './graphql-client.js';
import { toGraphqlError } from './graphql-errors.js';
import type { GraphqlPlan } from './graphql-plan.js';
import { readResolverArgs, type ResolverInfo } from './resolver-args.js';
import { rememberSubscription } from './subscription-cells.js';

/** One call of a resolver. A subscription's lasts until its iterator ends. */
export class GraphqlCall extends IncomingCall<GraphqlPlan> {
  /** The request this resolver is a part of, if it came over HTTP. */
  private readonly request: ContextCell | undefined;
  private readonly info: ResolverInfo | undefined;
  private readonly contextValue: unknown;

  constructor(calls: OpenCalls, plan: GraphqlPlan, context: ExecutionContext) {
    const args = readResolverArgs(context.getArgs<unknown[]>());
    super(calls, plan, context, clientOf(args.context));
    this.info = args.info;
    this.contextValue = args.context;
    this.request = plan.followsCaller ? currentCell() : undefined;
  }

  override get hasAnswered(): boolean {
    return this.isStreaming && !this.hasOwnDeadline;
  }

  protected override operationPlan(): OperationPlan {
    return this.handlerPlan.planFor(this.info);
  }

  /** One that outlives its client cannot be a part of what ends with it. */
  protected override parentCell(): ContextCell | undefined {
    return this.request;
  }

  protected override treeId(): string | undefined {
    return super.treeId() ?? this.request?.resolve()?.rootId;
  }

  protected override watchCaller(): boolean {
    return this.state?.parent !== undefined || super.watchCaller();
  }

  protected override translate(error: unknown): unknown {
    return toGraphqlError(error);
  }

  protected override send(value: unknown): void {
    this.subscriber?.next(this.handlerPlan.isSubscription ? this.follow(value) : value);
  }

  /** GraphQL iterates after the chain: the operation lasts as long. */
  private follow(value: unknown): unknown {
    if (!isIterable(value)) return value;
    const state = this.cell.resolve() as OperationState | undefined;
    if (state === undefined) return value;
    this.isStreaming = true;
    if (this.info !== undefined) rememberSubscription(this.contextValue, this.info, this.cell);
    return operateIterableBody(this, state, value);
  }

  /**
   * GraphQL takes an error that is given for one that is thrown. Nest would log the latter, for
   * each client that left.
   */
  protected override fail(error: unknown): void {
    const { subscriber } = this;
    if (isCancelation(error) && publicReason(error) === 'disconnect') {
      subscriber?.next(this.answerTo(error));
      subscriber?.complete();
    } else {
      super.fail(error);
    }
  }
}

function isIterable(value: unknown): value is AsyncIterable<unknown> {
  const shape = shapeOf(value);
  return shape === 'iterable' || (shape === 'stream' && Symbol.asyncIterator in (value as object));
}
