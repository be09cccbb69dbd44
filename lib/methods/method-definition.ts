import { isObservable } from 'rxjs';
import { checkScope } from '../operation/cluster-scope.js';
import { refuseAboveCeiling } from '../operation/max-timeout.js';
import type { CallOptions } from '../operation/operation-plan.js';
import type { OperationState } from '../operation/operation-state.js';
import { bare } from '../scope/plain-object.js';
import { adoptResult } from './adopted-results.js';
import type { CancelableOptions } from './cancelable-options.js';
import type { CancelableRuntime } from './cancelable-runtime.js';
import { checkJoin } from './method-inputs.js';
import { type AnyFunction, isHandler } from './method-metadata.js';
import { callOptions, createMethodPlan, mergeOptions, type MethodPlan } from './method-plan.js';
import { triggerOf, type MethodTrigger } from './method-trigger.js';
import { sayModuleIsMissing } from './missing-module.js';
import { fillParameters, parametersOf } from './parameters.js';

/** The kind of a method's result, as far as it is known before the call. */
export type KnownResult = 'generator' | 'observable' | 'unknown';

/**
 * A decorated method: its options, the plans of its operations, and what is known of its result.
 */
export class MethodDefinition {
  readonly where: string;
  /** Options of the class decorator, which runs after those of the methods. */
  classOptions: CancelableOptions | undefined = undefined;
  /** The wrapper that stands on the prototype in place of the method. */
  wrapper: object | undefined = undefined;
  readonly known: KnownResult;
  private readonly parameters: ReturnType<typeof parametersOf>;
  private plans = new WeakMap<CancelableRuntime, MethodPlan>();
  private lastRuntime: CancelableRuntime | undefined = undefined;
  /** The log says that the module is missing. */
  private isModuleMissed = false;
  private lastPlan: MethodPlan | undefined = undefined;

  constructor(
    readonly prototype: object,
    readonly key: string | symbol,
    readonly original: AnyFunction,
    readonly options: CancelableOptions,
    readonly name: string,
  ) {
    this.where = `@Cancelable() on ${name}`;
    this.parameters = parametersOf(prototype, key);
    this.known = knownResult(prototype, key, original);
  }

  setClassOptions(options: CancelableOptions): void {
    this.classOptions = options;
    this.plans = new WeakMap();
    this.lastRuntime = undefined;
  }

  /** The options as they hold in an application, without what its module says. */
  mergedOptions(runtime: CancelableRuntime): CancelableOptions {
    const { options, classOptions, where } = this;
    const merged = mergeOptions([
      options,
      runtime.policy(options.policy, where),
      classOptions,
      runtime.policy(classOptions?.policy, where),
    ]);
    checkJoin(merged, this.original, new Set(this.parameters.map(([index]) => index)), where);
    checkScope(merged.exclusive, runtime.live.clusterKeys, where);
    refuseAboveCeiling(merged.timeout, runtime.live.maxTimeout, `${where}: timeout`);
    return merged;
  }

  planFor(runtime: CancelableRuntime): MethodPlan {
    if (runtime === this.lastRuntime) return this.lastPlan as MethodPlan;
    let plan = this.plans.get(runtime);
    if (plan === undefined) {
      plan = this.createPlan(runtime);
      this.plans.set(runtime, plan);
    }
    this.lastRuntime = runtime;
    this.lastPlan = plan;
    return plan;
  }

  private createPlan(runtime: CancelableRuntime): MethodPlan {
    const options = this.mergedOptions(runtime);
    const entry = this.wrapper && triggerOf(this.prototype, this.key, this.wrapper);
    const {
      kind = 'method',
      name = this.name,
      onShutdown = 'drain',
    } = bare<Partial<MethodTrigger>>(entry ?? {});
    const plan = createMethodPlan(options, { name, kind, onShutdown }, (each, of) =>
      runtime.live.countersOf(each, of, true),
    );
    return { ...plan, operation: { ...plan.operation, adopt: adoptResult } };
  }

  /**
   * What the functions among the options say of a call.
   *
   * @throws what they throw; TypeError for what is no valid option
   */
  callOptions(plan: MethodPlan, self: object, args: readonly unknown[]): CallOptions | undefined {
    if (plan.functions === undefined) return undefined;
    const { functions, exclusive } = plan;
    return callOptions({ functions, exclusive }, this.where, self, args);
  }

  /** Fills the decorated parameters of a call. */
  fillParameters(args: unknown[], state: OperationState): void {
    if (this.parameters.length > 0) fillParameters(args, this.parameters, state);
  }

  /** The first call without a module says how to import it. */
  noticeMissingModule(): void {
    if (this.isModuleMissed) return;
    if (isHandler(this.wrapper as object)) this.isModuleMissed = sayModuleIsMissing(this.name);
  }
}

function knownResult(prototype: object, key: string | symbol, original: AnyFunction): KnownResult {
  if (original.constructor.name === 'AsyncGeneratorFunction') return 'generator';
  const type = Reflect.getMetadata('design:returntype', prototype, key) as
    { prototype?: unknown } | undefined;
  return isObservable(type?.prototype) ? 'observable' : 'unknown';
}
