import type { OperationPlan } from '../../operation/operation-plan.js';
import type { CancelableRuntime } from '../../methods/cancelable-runtime.js';
import { type HandlerDefaults, HandlerPlan } from '../handler-plan.js';

const MESSAGE = 'message';

/** One handler of a gateway. */
export class WsPlan extends HandlerPlan {
  readonly operation: OperationPlan;

  constructor(
    runtime: CancelableRuntime,
    defaults: HandlerDefaults,
    handlerName: string,
    handler: object,
    gateway: object,
  ) {
    super(runtime, defaults, 'ws', handler, gateway);
    const message: unknown = Reflect.getMetadata(MESSAGE, handler);
    this.operation = this.planNamed(typeof message === 'string' ? message : handlerName);
  }
}
