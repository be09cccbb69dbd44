import type { CallOptions } from '../../core/operation-plan.js';
import type { OnShutdown } from '../../core/operation-options.js';
import { RpcPlan } from './rpc-plan.js';

/**
 * The handler that hears of callers who stopped waiting. It is no work of its own: no operation, no
 * default timeout, no `request` option, and it goes on while the application drains, which is when
 * there is most to cancel.
 */
export class CancelPlan extends RpcPlan {
  override readonly isEager = false;
  override readonly onShutdown: OnShutdown = 'ignore';

  override callOptions(): CallOptions | undefined {
    return undefined;
  }
}
