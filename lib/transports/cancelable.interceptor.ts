import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import type { Observable } from 'rxjs';
import type { CancelableRuntime } from '../methods/cancelable-runtime.js';
import type { HandlerDefaults, HandlerPlan } from './handler-plan.js';
import type { OpenCalls } from './open-calls.js';
import type { Transport } from './transport.js';
import { transports } from './transport-table.js';

/** By handler, then by class: an inherited handler is an entry of each of them. */
type PlansOfHandlers = WeakMap<object, Map<object, HandlerPlan>>;

/** Stands outermost, and gives each call the context its operation lives in. */
export class CancelableInterceptor implements NestInterceptor {
  /**
   * A method may be a route and a message handler, and is known under a name of its own as each.
   */
  private readonly plans = new Map<Transport, PlansOfHandlers>();

  constructor(
    private readonly runtime: CancelableRuntime,
    private readonly defaults: HandlerDefaults,
    private readonly calls: OpenCalls,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const transport = transports[context.getType()];
    if (transport === undefined) return next.handle();
    const { calls } = this;
    const plan = this.planFor(transport, context);
    if (plan.isUnobserved) return next.handle();
    const call = transport.createCall(calls, plan, context);
    if (calls.live.phase === 'closed') calls.reopen();
    const isDraining = calls.live.isRefusing;
    if (plan.isEager || isDraining) {
      try {
        if (isDraining && plan.onShutdown !== 'ignore') throw calls.live.refuse();
        call.begin();
        if (isDraining) call.drain();
      } catch (error) {
        void call.settle(false, error);
        return call.refuse(error);
      }
    }
    return call.connect(next);
  }

  private planFor(transport: Transport, context: ExecutionContext): HandlerPlan {
    const handler = context.getHandler();
    const host = context.getClass();
    let plans = this.plans.get(transport);
    if (plans === undefined) this.plans.set(transport, (plans = new WeakMap()));
    let byClass = plans.get(handler);
    if (byClass === undefined) plans.set(handler, (byClass = new Map<object, HandlerPlan>()));
    let plan = byClass.get(host);
    if (plan === undefined) {
      const name = `${host.name}.${handler.name}`;
      const Plan = transport.planClass(handler);
      plan = new Plan(this.runtime, this.defaults, name, handler, host);
      byClass.set(host, plan);
    }
    return plan;
  }
}
