import type { OperationPlan } from '../../operation/operation-plan.js';
import type { CancelableRuntime } from '../../methods/cancelable-runtime.js';
import { createMethodPlan } from '../../methods/method-plan.js';

/** Express mounts GraphQL by a prefix, in any case: the rest of the path is the client's choice. */
const MOST_NAMES = 100;

/** The operations of whole requests, by name. They have no limits: each resolver has its own. */
export class RequestPlans {
  private readonly plans = new Map<string, OperationPlan>();

  constructor(private readonly runtime: CancelableRuntime) {}

  planFor(method: string, path: string | undefined): OperationPlan {
    const wanted = `${method} ${path || '/graphql'}`;
    const name = this.plans.has(wanted) || this.plans.size < MOST_NAMES ? wanted : 'GraphQL';
    let plan = this.plans.get(name);
    if (plan === undefined) {
      const defaults = { name, kind: 'graphql' } as const;
      plan = createMethodPlan({}, defaults, (each, kind) =>
        this.runtime.live.countersOf(each, kind),
      ).operation;
      this.plans.set(name, plan);
    }
    return plan;
  }
}
