import type { CancelRecord } from '../scope/cancel-record.js';
import type { Held } from './held.js';
import type { SubjectLog } from './operation-log.js';
import type { OperationKind } from './operation-options.js';
import type { ExclusiveCall, OperationCounters, OperationPlan } from './operation-plan.js';
import type { OperationProgress } from './progress.js';

/** Where an operation begins: in no other, in one but not as a part of it, or as a part of one. */
export type OperationOrigin = 'outside' | 'detached' | 'inside';

/** The keys that one operation at a time holds over all instances of the service. */
export interface ClusterKeysPort<State> {
  /**
   * Takes the key of a call for an operation that holds it in this instance already. It is the
   * operation's until its end.
   *
   * @returns whether its body may run; `false`: it is skipped
   * @throws OperationConflict for `reject`; ClusterUnavailable; CancelationError when it is canceled
   * meanwhile
   */
  take(operation: State, call: ExclusiveCall): Promise<boolean>;
  /** Lets go of the key before the end. */
  leave(operation: State): void;
}

/**
 * Who keeps the operations: the registry. The core tells it what happens, in the order in which it
 * happens, and asks it for ids and limits.
 */
export interface OperationHost<State> {
  readonly log: SubjectLog;
  /** Milliseconds after a cancel at which a body that still runs is a zombie. */
  readonly zombieAfter: number;
  /** Milliseconds a shield, or the cleanups of a canceled operation, may go on after the cancel. */
  readonly cleanupLimit: number;
  /** Milliseconds that an operation may have, however much was asked for; Infinity: any. */
  readonly maxTimeout: number;
  /** The holders of exclusive keys. */
  readonly exclusives: {
    /** Tells who holds the key, if that keeps the call from starting. Throws for `reject`. */
    admit(name: string, call: ExclusiveCall, scope: unknown): Held<State> | undefined;
    hold(operation: State, call: ExclusiveCall): void;
    leave(operation: State): ExclusiveCall | undefined;
  };
  /** Over all instances; `undefined`: there is no bus that has leases. */
  readonly clusterKeys: ClusterKeysPort<State> | undefined;
  /** Providers by token, for sources that ask for them. Throws where there is no container. */
  inject(tokens: readonly unknown[], where: string): unknown[];
  /** A name that is `declared` stands in the code; others may be user data. */
  countersOf(name: string, kind: OperationKind, isDeclared?: boolean): OperationCounters;
  createId(): string;
  /** The live operation of an id. */
  get(id: string): State | undefined;
  /** Throws when there is no room, nothing is taken any more, or a live operation has this id. */
  admit(
    plan: OperationPlan,
    id: string | undefined,
    origin: OperationOrigin,
    tree?: { readonly live: number; readonly root: string },
  ): void;
  started(operation: State): void;
  /** An operation that was asked for its id can be found by it, and no longer by a former one. */
  identified(operation: State, id: string, former?: string): void;
  progressed(operation: State, progress: OperationProgress): void;
  canceled(operation: State, record: CancelRecord): void;
  /** Still running after `zombieAfter`. */
  lingered(operation: State): void;
  settled(operation: State): void;
  /** Its body turned out to be lazy: it waits, unlisted, for somebody to consume it. */
  suspended(operation: State): void;
  resumed(operation: State): void;
}
