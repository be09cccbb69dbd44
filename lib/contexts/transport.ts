import type { ExecutionContext } from '@nestjs/common';
import type { CancelableRuntime } from '../decorators/cancelable-runtime.js';
import type { EntryCall } from './entry-call.js';
import type { EntryDefaults, EntryPlan } from './entry-plan.js';
import type { OpenCalls } from './open-calls.js';

/** One way for calls to come in: a type of Nest's ExecutionContext. */
export interface Transport<Plan extends EntryPlan = EntryPlan> {
  /** What is known of a handler before a call comes. */
  createPlan(
    runtime: CancelableRuntime,
    defaults: EntryDefaults,
    name: string,
    handler: object,
    host: object,
  ): Plan;
  createCall(calls: OpenCalls, plan: Plan, context: ExecutionContext): EntryCall;
}
