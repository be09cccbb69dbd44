import type { OperationPlan } from '../operation/operation-plan.js';
import type { RunOptions } from './run-options.js';
import { LONGEST_NAME } from './statistics.js';

/**
 * Names, and what is said beside them, are meant to be few; if they are not, the rest is not
 * remembered.
 */
const MOST_PLANS = 500;
/** The plans that are kept of one name, since a computed timeout has many values. */
const MOST_OF_A_NAME = 4;

interface KnownPlan {
  readonly timeout: unknown;
  readonly settle: unknown;
  readonly plan: OperationPlan;
}

/** The options that most operations have, so that many share one plan. */
interface Short {
  readonly name: string;
  readonly timeout: unknown;
  readonly settle: unknown;
}

/**
 * The plans of operations that are given by name, perhaps with a timeout: shared by all that say
 * the same.
 */
export class RunPlans {
  private readonly known = new Map<string, KnownPlan[]>();
  private size = 0;

  /** @param create of options that were not seen before; throws when they are not valid */
  planOf(options: RunOptions | string, create: () => OperationPlan): OperationPlan {
    const short = shortOf(options);
    if (short === undefined) return create();
    const { name, timeout, settle } = short;
    const plans = this.known.get(name);
    if (plans !== undefined) {
      for (const each of plans) {
        if (each.timeout === timeout && each.settle === settle) return each.plan;
      }
      if (plans.length >= MOST_OF_A_NAME) return create();
    }
    const plan = create();
    if (this.size >= MOST_PLANS || name.length > LONGEST_NAME) return plan;
    this.size++;
    if (plans === undefined) this.known.set(name, [{ timeout, settle, plan }]);
    else plans.push({ timeout, settle, plan });
    return plan;
  }
}

/** @returns `undefined` where there is more to say, or something that may change */
function shortOf(options: RunOptions | string): Short | undefined {
  if (typeof options === 'string') return { name: options, timeout: undefined, settle: undefined };
  if (typeof options !== 'object' || options === null) return undefined;
  let name: unknown;
  let timeout: unknown;
  let settle: unknown;
  for (const key of Object.getOwnPropertyNames(options)) {
    if (key === 'name') ({ name } = options);
    else if (key === 'timeout') ({ timeout } = options);
    else if (key === 'settle') ({ settle } = options);
    else return undefined;
  }
  if (typeof name !== 'string' || typeof timeout === 'object' || typeof settle === 'object') {
    return undefined;
  }
  return { name, timeout, settle };
}
