import { type Duration, parseDuration } from '../core/duration.js';
import type { OperationKind, OperationMetadata } from '../core/operation-options.js';
import type { CallOptions, NameCounters, OperationPlan } from '../core/operation-plan.js';
import { operationReaders, planOf } from '../core/read-options.js';
import { type CancelableOptions, PER_CALL } from './cancelable-options.js';

/** Options that are functions, by key. */
export type CallFunctions = Partial<
  Record<(typeof PER_CALL)[number], (this: unknown, ...args: readonly unknown[]) => unknown>
>;

/** A method's options, merged for one application. */
export interface MethodPlan {
  readonly operation: OperationPlan;
  /** `undefined`: nothing depends on the call. */
  readonly functions: CallFunctions | undefined;
  /** What of the plan holds before the method is called: everything that is no function. */
  readonly options: CancelableOptions;
}

/**
 * Merges options: the nearer replaces, key by key.
 *
 * @param layers nearest first
 */
export function mergeOptions(
  layers: readonly (CancelableOptions | undefined)[],
): CancelableOptions {
  const merged: Record<string, unknown> = {};
  for (const layer of layers) {
    for (const [key, value] of Object.entries(layer ?? {})) {
      if (value !== undefined && merged[key] === undefined) merged[key] = value;
    }
  }
  return merged;
}

export function createMethodPlan(
  options: CancelableOptions,
  defaults: { readonly name: string; readonly kind: OperationKind },
  counters: (name: string) => NameCounters,
): MethodPlan {
  const functions: CallFunctions = {};
  const fixed: Record<string, unknown> = { ...options };
  for (const key of PER_CALL) {
    const value = options[key];
    if (typeof value !== 'function') continue;
    functions[key] = value as NonNullable<CallFunctions[typeof key]>;
    delete fixed[key];
  }
  const operation = planOf({ ...defaults, ...fixed }, counters);
  return {
    operation: { ...operation, onDisconnect: options.onDisconnect ?? 'cancel' },
    functions: Object.keys(functions).length === 0 ? undefined : functions,
    options: fixed,
  };
}

/**
 * Asks the functions, with `this` = the instance.
 *
 * @throws TypeError when one gives an impossible value; what it throws itself
 */
export function callOptions(
  functions: CallFunctions,
  where: string,
  self: unknown,
  args: readonly unknown[],
): CallOptions {
  const ask = (key: (typeof PER_CALL)[number]): unknown => {
    const value = functions[key]?.apply(self, args as unknown[]);
    if (value !== undefined && key !== 'timeout')
      operationReaders[key]?.(value, `${where}: ${key}`);
    return value;
  };
  const timeout = ask('timeout') as Duration | false | undefined;
  return {
    timeout:
      typeof timeout === 'number' || typeof timeout === 'string'
        ? parseDuration(timeout, `${where}: timeout`, { zero: true, orElse: 'false' })
        : timeout,
    deadline: (ask('deadline') as Date | undefined)?.getTime(),
    tags: ask('tags') as readonly string[] | undefined,
    metadata: ask('metadata') as OperationMetadata | undefined,
    id: ask('id') as string | undefined,
  };
}
