import type { ExecutionContext } from '@nestjs/common';
import type { CancelableRuntime } from '../methods/cancelable-runtime.js';
import type { EarlyResponder } from './early-responder.js';
import type { IncomingCall } from './incoming-call.js';
import type { HandlerDefaults, HandlerPlan } from './handler-plan.js';
import type { OpenCalls } from './open-calls.js';

type PlanClass<Plan> = new (
  runtime: CancelableRuntime,
  defaults: HandlerDefaults,
  name: string,
  handler: object,
  host: object,
) => Plan;

/** One way for calls to come in: a type of Nest's ExecutionContext. */
export interface Transport<Plan extends HandlerPlan = HandlerPlan> {
  /**
   * Loads what may not be installed; called before any handler runs, and only if there are some.
   */
  prepare?(): Promise<void>;
  /** The class of what is known of a handler before a call comes. */
  planClass(handler: object): PlanClass<Plan>;
  createCall(calls: OpenCalls, plan: Plan, context: ExecutionContext): IncomingCall;
  readonly early: EarlyResponder;
}
