import { type Duration, parseDuration } from '../scope/duration.js';
import type {
  ExclusiveOptions,
  OnShutdown,
  OperationKind,
  OperationMetadata,
} from '../operation/operation-options.js';
import type { CallOptions, OperationCounters, OperationPlan } from '../operation/operation-plan.js';
import { bare, ownValue } from '../scope/plain-object.js';
import { refusePromise } from '../scope/promised-options.js';
import { exclusiveCall, planOf } from '../operation/operation-plan.js';
import { refuse } from '../scope/validate.js';
import { type CancelableOptions, PER_CALL, perCallReaders } from './cancelable-options.js';

/** Options that are functions, by key. */
export type CallFunctions = Partial<
  Record<CallKey | 'exclusiveKey', (this: unknown, ...args: readonly unknown[]) => unknown>
>;

type CallKey = (typeof PER_CALL)[number];

/** A method's options, merged for one application. */
export interface MethodPlan {
  readonly operation: OperationPlan;
  /** `undefined`: nothing depends on the call. */
  readonly functions: CallFunctions | undefined;
  /** What is said of the key, if it is a function. */
  readonly exclusive: Omit<ExclusiveOptions, 'key'> | undefined;
  /** The options that hold before the method is called: all that are no functions. */
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
  const merged: Record<string, unknown> = bare({});
  for (const layer of layers) {
    for (const [key, value] of Object.entries(layer ?? {})) {
      if (value !== undefined && merged[key] === undefined) merged[key] = value;
    }
  }
  return merged;
}

export function createMethodPlan(
  options: CancelableOptions,
  defaults: {
    readonly name: string;
    readonly kind: OperationKind;
    readonly onShutdown?: OnShutdown;
  },
  counters: (name: string, kind: OperationKind) => OperationCounters,
): MethodPlan {
  const functions: CallFunctions = bare({});
  const fixed: Record<string, unknown> = bare(options as Record<string, unknown>);
  for (const key of PER_CALL) {
    const value = options[key];
    if (typeof value !== 'function') continue;
    functions[key] = value as NonNullable<CallFunctions[typeof key]>;
    delete fixed[key];
  }
  const { exclusive, id } = options;
  if (typeof id === 'string') {
    // An id is one call's, never the plan's: an operation that has begun already takes it late.
    functions.id = () => id;
    delete fixed['id'];
  }
  const key = exclusive && ownValue(exclusive, 'key');
  if (typeof key === 'function') {
    functions.exclusiveKey = key as NonNullable<CallFunctions['exclusiveKey']>;
    delete fixed['exclusive'];
  }
  const operation = planOf(Object.assign(bare(defaults), fixed), counters);
  return {
    operation: {
      ...operation,
      onDisconnect: options.onDisconnect ?? 'cancel',
      sources: fixed['sources'] as readonly unknown[] | undefined,
    },
    exclusive: functions.exclusiveKey && exclusive,
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
  { functions, exclusive }: Pick<MethodPlan, 'exclusive'> & { functions: CallFunctions },
  where: string,
  self: unknown,
  args: readonly unknown[],
): CallOptions {
  const ask = (key: CallKey): unknown => {
    const value = functions[key]?.apply(self, args as unknown[]);
    refusePromise(value, `${where}: ${key}`);
    if (value !== undefined && key !== 'timeout') perCallReaders[key](value, `${where}: ${key}`);
    return value;
  };
  const timeout = ask('timeout') as Duration | false | undefined;
  return {
    timeout:
      timeout === undefined || timeout === false
        ? timeout
        : parseDuration(timeout, `${where}: timeout`, { zero: true, orElse: 'false' }),
    deadline: (ask('deadline') as Date | undefined)?.getTime(),
    tags: ask('tags') as readonly string[] | undefined,
    metadata: ask('metadata') as OperationMetadata | undefined,
    id: ask('id') as string | undefined,
    sources: ask('sources') as readonly unknown[] | undefined,
    exclusive:
      exclusive &&
      functions.exclusiveKey &&
      exclusiveCall(
        readKey(functions.exclusiveKey.apply(self, args as unknown[]), where),
        exclusive,
      ),
  };
}

/**
 * A key may be a number at run time: it is text all the same. `undefined` would mean "all", and is
 * refused.
 */
function readKey(key: unknown, where: string): string {
  refusePromise(key, `${where}: exclusive.key`);
  if (typeof key !== 'string' && typeof key !== 'number') {
    refuse(`${where}: exclusive.key`, key, 'a string');
  }
  return String(key);
}
