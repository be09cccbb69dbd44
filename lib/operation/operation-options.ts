import type { Duration } from '../scope/duration.js';
import type { CancelationError } from '../scope/cancelation-error.js';
import type { OperationProgress } from './progress.js';

export const OPERATION_KINDS = [
  'http',
  'rpc',
  'ws',
  'graphql',
  'cron',
  'job',
  'cqrs',
  'event',
  'method',
  'task',
] as const;

/**
 * Where an operation entered.
 *
 * @publicApi
 */
export type OperationKind = (typeof OPERATION_KINDS)[number];

export const OPERATION_STATUSES = [
  'running',
  'canceling',
  'completed',
  'failed',
  'canceled',
] as const;

/**
 * `running` and `canceling` are live; `completed`, `failed` and `canceled` are outcomes.
 *
 * @publicApi
 */
export type OperationStatus = (typeof OPERATION_STATUSES)[number];

/**
 * Facts about an operation: its owner, its tenant, the size of its input. Descendants inherit it.
 * Augment it to type your own keys.
 *
 * @example
 * declare module 'nestjs-cancelable' {
 *   interface OperationMetadata { owner?: string }
 * }
 * @publicApi
 */
export interface OperationMetadata {
  /** Whatever else you know of it. */
  [key: string]: unknown;
}

export const SETTLE_MODES = ['race', 'wait'] as const;
/**
 * `'race'`: a cancel releases the caller at once. `'wait'`: the caller waits for the body.
 *
 * @publicApi
 */
export type SettleMode = (typeof SETTLE_MODES)[number];
export const ON_SHUTDOWN = ['drain', 'cancel', 'ignore'] as const;
/**
 * What a shutdown does to an operation. `'drain'`: it may finish. `'cancel'`: it is canceled at
 * once. `'ignore'`: neither.
 *
 * @publicApi
 */
export type OnShutdown = (typeof ON_SHUTDOWN)[number];
export const ON_DISCONNECT = ['cancel', 'ignore'] as const;
/**
 * What a client that leaves does to a handler. `'cancel'`: it is canceled. `'ignore'`: it finishes.
 *
 * @publicApi
 */
export type OnDisconnect = (typeof ON_DISCONNECT)[number];

/** The names of the callbacks, in the order of an operation's life. */
export const OPERATION_CALLBACKS = [
  'start',
  'progress',
  'complete',
  'cancel',
  'error',
  'settled',
] as const;

/**
 * Called in the operation's context. What they throw, or reject with, is logged and changes
 * nothing.
 *
 * @publicApi
 */
export interface OperationCallbacks<Operation> {
  /** It begins. */
  start?(operation: Operation): unknown;
  /** It, or what it began, has reported progress. */
  progress?(operation: Operation, progress: OperationProgress): unknown;
  /** Its body gave a value. */
  complete?(operation: Operation): unknown;
  /** It was canceled. */
  cancel?(operation: Operation, error: CancelationError): unknown;
  /** It failed. */
  error?(operation: Operation, error: unknown): unknown;
  /** After everything: the outcome is known, cleanups have run. */
  settled?(operation: Operation): unknown;
}

export const ON_CONFLICT = ['cancel-previous', 'reject', 'skip', 'join'] as const;

/**
 * What a call does that finds its key taken: cancel the one before it (latest wins), be refused
 * (`OperationConflict`), resolve to `undefined`, or share the outcome of the one before it.
 *
 * @publicApi
 */
export type OnConflict = (typeof ON_CONFLICT)[number];

export const EXCLUSIVE_SCOPES = ['instance', 'cluster'] as const;

/**
 * Where a key is held by one operation at a time: in this instance, or in all instances of the
 * service.
 *
 * @publicApi
 */
export type ExclusiveScope = (typeof EXCLUSIVE_SCOPES)[number];

/**
 * One operation of a name and key at a time.
 *
 * @example
 * \@Cron(CronExpression.EVERY_HOUR, { name: 'sync' })
 * \@Cancelable({ exclusive: { scope: 'cluster', onConflict: 'skip' } })
 * async sync() {}
 * @publicApi
 */
export interface ExclusiveOptions<Key = string> {
  /**
   * Default: one key for all calls of the name. `join` needs one where the answer may depend on the
   * parameters: `key: 'same for all'` says that it does not.
   */
  key?: Key;
  /** What a call does that finds the key taken. */
  onConflict: OnConflict;
  /**
   * `'cluster'`: one over all instances of the service, by a lease that a killed instance loses. It
   * needs a bus with leases in `CancelableModule.forRoot({ cluster })`, excludes `join`, and fails
   * with `ClusterUnavailable` while nobody can tell who has the key. Default: `'instance'`.
   */
  scope?: ExclusiveScope;
}

/** What starts an operation; the registry fills in `Operation`. */
export interface OperationOptions<Operation> {
  /**
   * For lists, logs and statistics: keep it one of a few, ids belong into `metadata`. Default:
   * `'task'`.
   */
  name?: string;
  /** Default: `'task'`. */
  kind?: OperationKind;
  /** How long it may take. `false`: no limit of its own. Default: none. */
  timeout?: Duration | false;
  /** The moment by which it must be done, by the wall clock. Default: none. */
  deadline?: Date;
  /** Words to filter by; descendants inherit them. Default: none. */
  tags?: readonly string[];
  /** Facts to filter by; descendants inherit them. Default: none. */
  metadata?: OperationMetadata;
  /** An id of your own; a live duplicate is an `OperationConflict`. Default: an unguessable one. */
  id?: string;
  /**
   * `'race'`: a cancel releases the caller at once. `'wait'`: the caller waits for the body.
   * Default: `'race'`.
   */
  settle?: SettleMode;
  /**
   * No cancel, deadline or stall is inherited; metadata, tags and `parentId` are. Default: false.
   */
  detached?: boolean;
  /** What a shutdown does to it while draining. Default: `'drain'`. */
  onShutdown?: OnShutdown;
  /**
   * No progress, its own or a descendant's, for so long: canceled with `timeout`. Default: never.
   */
  stall?: Duration;
  /** Default: as many at a time as are called. */
  exclusive?: ExclusiveOptions;
  /** Callbacks of its life. They run in its context; one that fails is logged. Default: none. */
  on?: OperationCallbacks<Operation>;
}
