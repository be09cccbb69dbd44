import type { ExecutionContext } from '@nestjs/common';
import { type Observable, of } from 'rxjs';
import { cancelScope } from '../../scope/cancel.js';
import { CancelRecord } from '../../scope/cancel-record.js';
import type { OperationPlan } from '../../operation/operation-plan.js';
import type { OperationState } from '../../operation/operation-state.js';
import { MessageCall } from '../message-call.js';
import type { OpenCalls } from '../open-calls.js';
import { type Carried, carriedBy } from './carried.js';
import { type CorrelatedCall, CorrelatedCalls } from './correlated-calls.js';
import { GrpcCaller } from './grpc-caller.js';
import { callerOf } from './rpc-caller.js';
import { answerOnCall } from './passed-through.js';
import { toRpcError } from './rpc-errors.js';
import type { RpcPlan } from './rpc-plan.js';

const CALLER_TIMED_OUT = "the caller's deadline passed";

/** One message or event that came to a microservice. */
export class RpcCall extends MessageCall<RpcPlan> implements CorrelatedCall {
  private carried: Carried | undefined = undefined;

  constructor(calls: OpenCalls, plan: RpcPlan, context: ExecutionContext) {
    super(calls, plan, context, callerOf(context));
  }

  protected override operationPlan(): OperationPlan {
    return this.handlerPlan.planFor(this.context);
  }

  protected override watchCaller(): boolean {
    const { caller } = this;
    const state = this.state as OperationState;
    if (caller instanceof GrpcCaller) {
      state.limitByCaller(caller.remaining());
    } else {
      // A call that does not follow its caller is never watched, and ignores its deadline too.
      const carried = (this.carried = carriedBy(this.context));
      state.limitByCaller(carried.remaining ?? Infinity);
      if (carried.call !== undefined) CorrelatedCalls.of(state.host).add(carried.call, this);
    }
    return super.watchCaller();
  }

  protected override unwatchCaller(): void {
    const { carried } = this;
    super.unwatchCaller();
    if (carried?.call === undefined) return;
    CorrelatedCalls.of((this.state as OperationState).host).remove(carried.call, this);
  }

  callerStoppedWaiting(timedOut: boolean): void {
    const isLate = timedOut && this.carried?.remaining !== undefined;
    const record = isLate
      ? new CancelRecord('timeout', CALLER_TIMED_OUT)
      : new CancelRecord('disconnect', 'the caller stopped waiting');
    cancelScope(this.state as OperationState, record);
  }

  /** Nest writes in the next tick, which a generator that never waits would not let come. */
  protected override handOver(): Promise<void> {
    return new Promise((resolve) => process.nextTick(resolve));
  }

  /** A client of gRPC whose own deadline has passed cancels its call, too. */
  override disconnected(): void {
    const { caller, state } = this;
    if (state !== undefined && caller instanceof GrpcCaller && caller.isLate()) {
      cancelScope(state, new CancelRecord('timeout', CALLER_TIMED_OUT));
    }
    super.disconnected();
  }

  override refuse(error: unknown): Observable<unknown> {
    return answerOnCall(this.caller, this.context, error) ? of(undefined) : super.refuse(error);
  }

  /** An error that is answered on the call itself ends the chain as if the handler had returned. */
  protected override fail(error: unknown): void {
    if (!answerOnCall(this.caller, this.context, error)) return super.fail(error);
    this.subscriber?.next(undefined);
    this.subscriber?.complete();
  }

  protected override translate(error: unknown): unknown {
    return toRpcError(error, this.caller instanceof GrpcCaller ? this.caller.call : undefined);
  }
}
