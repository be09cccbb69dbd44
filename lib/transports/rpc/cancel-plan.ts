import type { ExecutionContext } from '@nestjs/common';
import type { CallOptions, OperationPlan } from '../../operation/operation-plan.js';
import type { OnShutdown } from '../../operation/operation-options.js';
import { RpcPlan } from './rpc-plan.js';

/**
 * The handler that hears of callers who stopped waiting. It is no work of its own: no operation, no
 * default timeout, no `request` option. While the application drains, which is when there is most
 * to cancel, every call has an operation, and this one is let in.
 */
export class CancelPlan extends RpcPlan {
  override readonly isEager = false;
  override readonly onShutdown: OnShutdown = 'ignore';

  override callOptions(): CallOptions | undefined {
    return undefined;
  }

  override planFor(context: ExecutionContext): OperationPlan {
    const { onShutdown } = this;
    return { ...super.planFor(context), onShutdown };
  }
}
