import type { ExecutionContext } from '@nestjs/common';
import { cancelScope } from '../../core/cancel.js';
import { CancelRecord } from '../../core/cancel-record.js';
import { monotonicNow } from '../../core/clock.js';
import type { OperationPlan } from '../../core/operation-plan.js';
import type { OperationState } from '../../core/operation-state.js';
import type { DisconnectListener } from '../close-watch.js';
import { MessageCall } from '../message-call.js';
import type { OpenCalls } from '../open-calls.js';
import type { RpcCaller } from './caller.js';
import { GrpcCaller } from './grpc-caller.js';
import { callerOf } from './rpc-caller.js';
import { toGrpcStatus, toRpcError } from './rpc-errors.js';
import type { RpcPlan } from './rpc-plan.js';

/** One message or event that came to a microservice. */
export class RpcCall extends MessageCall implements DisconnectListener {
  private readonly caller: RpcCaller | undefined;

  constructor(
    calls: OpenCalls,
    private readonly plan: RpcPlan,
    context: ExecutionContext,
  ) {
    super(calls, plan, context);
    this.caller = callerOf(context);
  }

  override begin(): OperationState {
    const state = super.begin();
    const { caller } = this;
    if (!(caller instanceof GrpcCaller)) return state;
    const left = caller.remaining();
    if (left !== Infinity) {
      const now = monotonicNow();
      state.limitByCaller(now + left, now);
    }
    return state;
  }

  protected override operationPlan(): OperationPlan {
    return this.plan.planFor(this.context);
  }

  protected override watchCaller(): boolean {
    return this.caller?.watch(this) ?? true;
  }

  protected override unwatchCaller(): void {
    this.caller?.unwatch(this);
  }

  protected override isCallerGone(): boolean {
    return this.caller?.isGone() ?? false;
  }

  /** A client of gRPC whose own deadline has passed cancels its call, too. */
  override disconnected(): void {
    const { caller, state } = this;
    if (state !== undefined && caller instanceof GrpcCaller && caller.remaining() <= 0) {
      const message = "the caller's deadline passed";
      cancelScope(state, new CancelRecord('timeout', message, undefined, undefined));
    }
    super.disconnected();
  }

  /**
   * Nest hands the error of a call that is passed through to nobody: it would end the process. So
   * ours are sent on the call itself, and the chain ends as if the handler had returned.
   */
  protected override fail(error: unknown): void {
    const { caller, subscriber } = this;
    const isPassedThrough = caller instanceof GrpcCaller && caller.isPassedThrough;
    const status = isPassedThrough ? toGrpcStatus(error, caller.call) : undefined;
    if (!isPassedThrough || status === undefined) return super.fail(error);
    if (!caller.isGone()) caller.call.emit('error', status);
    subscriber?.next(undefined);
    subscriber?.complete();
  }

  override answerTo(error: unknown): unknown {
    return toRpcError(error, this.caller instanceof GrpcCaller ? this.caller.call : undefined);
  }
}
