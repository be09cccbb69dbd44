import type {
  ExclusiveOptions,
  ExclusiveScope,
  OnConflict,
  OnDisconnect,
  OnShutdown,
  OperationCallbacks,
  OperationKind,
  OperationMetadata,
  OperationOptions,
} from './operation-options.js';
import { OPERATION_CALLBACKS } from './operation-options.js';
import { parseDuration } from '../scope/duration.js';
import { bare, memberOf, ownValue } from '../scope/plain-object.js';

/** How the operations of one name went. */
export interface NameCounters {
  started: number;
  live: number;
  completed: number;
  failed: number;
  canceled: number;
}

/** Counters of one name and kind under one host; owned and read by the host. */
export interface OperationCounters extends NameCounters {
  /** What they are known by: the name, or one that stands for many. */
  readonly name: string;
  readonly kind: OperationKind;
  /** Live ones that still run long after their cancel. */
  zombies: number;
}

export function createCounters(name: string, kind: OperationKind): OperationCounters {
  return { name, kind, started: 0, live: 0, zombies: 0, completed: 0, failed: 0, canceled: 0 };
}

/**
 * Everything about an operation that is known before the call: validated, merged, in milliseconds,
 * shared by all calls. One fixed shape, since every call reads it.
 */
export interface OperationPlan {
  readonly name: string;
  readonly kind: OperationKind;
  /** Milliseconds. */
  readonly timeout: number | undefined;
  /** Milliseconds since the epoch. */
  readonly deadline: number | undefined;
  readonly tags: readonly string[] | undefined;
  readonly metadata: Readonly<OperationMetadata> | undefined;
  readonly race: boolean;
  readonly detached: boolean;
  readonly onShutdown: OnShutdown;
  readonly onDisconnect: OnDisconnect;
  readonly on: OperationCallbacks<object> | undefined;
  /** Milliseconds. */
  readonly stall: number | undefined;
  /** Tokens, signals, durations, dates and custom sources. */
  readonly sources: readonly unknown[] | undefined;
  readonly exclusive: ExclusiveCall | undefined;
  readonly counters: OperationCounters;
  /** Takes over a result that goes on after it was given; `undefined`: the value is the end. */
  readonly adopt: Adopt | undefined;
  /** Whether a deadline that passes still means something; `undefined`: always. */
  readonly expires: ((operation: unknown) => boolean) | undefined;
}

export type Adopt = (operation: never, value: unknown) => { readonly value: unknown } | undefined;

/** The options of one call, which no plan knows. */
export interface CallOptions {
  readonly id: string | undefined;
  /** Milliseconds; 0: already over. `false`: none, whatever the plan says. */
  readonly timeout: number | false | undefined;
  /** Milliseconds since the epoch. */
  readonly deadline: number | undefined;
  readonly tags: readonly string[] | undefined;
  readonly metadata: Readonly<OperationMetadata> | undefined;
  readonly sources: readonly unknown[] | undefined;
  readonly exclusive: ExclusiveCall | undefined;
}

/** A call that says nothing; one that says something has every key all the same, as its own. */
export const SILENT_CALL: CallOptions = {
  id: undefined,
  timeout: undefined,
  deadline: undefined,
  tags: undefined,
  metadata: undefined,
  sources: undefined,
  exclusive: undefined,
};

/** A key that one operation of a name holds at a time. */
export interface ExclusiveCall {
  readonly key: string;
  readonly onConflict: OnConflict;
  readonly scope: ExclusiveScope;
}

/** The plan of options that have been checked. */
export function planOf(
  given: OperationOptions<never>,
  counters: (name: string, kind: OperationKind) => OperationCounters,
): OperationPlan {
  const options = bare(given);
  const { name = 'task', kind = 'task' } = options;
  return {
    name,
    kind,
    timeout:
      options.timeout === undefined || options.timeout === false
        ? undefined
        : parseDuration(options.timeout, name),
    deadline: options.deadline?.getTime(),
    tags: options.tags,
    metadata: options.metadata === undefined ? undefined : { ...options.metadata },
    race: options.settle !== 'wait',
    detached: options.detached ?? false,
    onShutdown: options.onShutdown ?? 'drain',
    onDisconnect: 'cancel',
    on: options.on && callbacksOf(options.on),
    stall: options.stall === undefined ? undefined : parseDuration(options.stall, name),
    sources: undefined,
    exclusive: options.exclusive && fixedExclusive(options.exclusive),
    counters: counters(name, kind),
    adopt: undefined,
    expires: undefined,
  };
}

function fixedExclusive(given: ExclusiveOptions): ExclusiveCall {
  return exclusiveCall((ownValue(given, 'key') as string | undefined) ?? '', given);
}

/** What a call with this key says. */
export function exclusiveCall(key: string, given: Omit<ExclusiveOptions, 'key'>): ExclusiveCall {
  const { onConflict, scope } = bare(given);
  return { key, onConflict, scope: scope ?? 'instance' };
}

/** Callbacks may be the methods of a class; what stands on `Object.prototype` is none. */
function callbacksOf(given: OperationCallbacks<never>): OperationCallbacks<never> {
  const callbacks: Record<string, unknown> = bare({});
  for (const key of OPERATION_CALLBACKS) {
    const callback = memberOf(given, key);
    if (typeof callback === 'function') callbacks[key] = callback.bind(given) as unknown;
  }
  return callbacks;
}
