import type { ExecutionContext } from '@nestjs/common';
import type { CancelableRuntime } from '../methods/cancelable-runtime.js';
import type { EarlyEdge } from './early-responder.js';
import type { EntryCall } from './incoming-call.js';
import type { EntryDefaults, EntryPlan } from './handler-plan.js';
import type { OpenCalls } from './open-calls.js';

/** One way for calls to come in: a type of Nest's ExecutionContext. */
export interface Transport<Plan extends EntryPlan = EntryPlan> {
  /** Loads what may not be installed; called before any handler runs, and only if there are some. */
  prepare?(): Promise<void>;
  /** What is known of a handler before a call comes. */
  createPlan(
    runtime: CancelableRuntime,
    defaults: EntryDefaults,
    name: string,
    handler: object,
    host: object,
  ): Plan;
  createCall(calls: OpenCalls, plan: Plan, context: ExecutionContext): EntryCall;
  readonly early: EarlyEdge;
}
