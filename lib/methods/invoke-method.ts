import type { OperationState } from '../operation/operation-state.js';
import { currentCell } from '../scope/context.js';
import { runtimeOf } from './cancelable-runtime.js';
import { HandlerCall, type HandlerCell } from './handler-call.js';
import { isJobCall, type JobArguments, JobCall } from './job-call.js';
import { MethodCall } from './method-call.js';
import type { MethodDefinition } from './method-definition.js';

/**
 * A decorated method is called: as the handler of the current request, as a job, or by the user.
 */
export function invokeMethod(method: MethodDefinition, self: object, args: unknown[]): unknown {
  const context = currentCell();
  const claimed = context?.claim(method) as OperationState | undefined;
  const runtime = runtimeOf(self);
  const plan = method.planFor(runtime);
  if (claimed !== undefined) {
    return new HandlerCall(method, plan, context as HandlerCell, claimed, self, args).run();
  }
  if (runtime.isStandalone) method.noticeMissingModule();
  if (plan.operation.kind === 'job' && method.known === 'unknown' && isJobCall(args)) {
    const job = new JobCall([...args] as unknown as JobArguments);
    const outcome = new MethodCall(method, runtime, plan, context, self, args, job).run();
    return runtime.jobs?.follow(job, Promise.resolve(outcome)) ?? outcome;
  }
  const call = new MethodCall(method, runtime, plan, context, self, args);
  return method.known === 'unknown' ? call.run() : call.runLazily();
}
