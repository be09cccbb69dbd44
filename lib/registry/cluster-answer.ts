import type { Member } from '../cluster/members.js';
import type { OperationSnapshot } from '../operation/snapshot.js';
import { isRecord } from '../scope/plain-object.js';
import type { OperationEvent } from './operation-events.js';

/**
 * What every answer of `registry.cluster` says beside its result. It calls instances by their name;
 * of those that share one, each has its id with it: `pod-7 (k3x9qa0z)`.
 *
 * @publicApi
 */
export interface ClusterAnswer {
  /** All instances that are there have been asked, and have answered. */
  readonly complete: boolean;
  /** Those that should have answered, by name. */
  readonly expected: readonly string[];
  /** Those that did, by name. */
  readonly replied: readonly string[];
}

/**
 * An operation as plain data, and where it lives. Times are by the clock of its instance.
 *
 * @publicApi
 */
export interface ClusterOperation extends OperationSnapshot {
  /** The name of its instance. */
  readonly instance: string;
}

/**
 * An operation of some instance with those of its children.
 *
 * @publicApi
 */
export interface ClusterTreeNode extends ClusterOperation {
  /** Those that it began, as far as they are live. */
  readonly children: readonly ClusterTreeNode[];
}

/**
 * Something happened to an operation of some instance. `at` is by the clock of that instance.
 *
 * @publicApi
 */
export interface ClusterEvent extends OperationEvent {
  /** The name of its instance. */
  readonly instance: string;
}

/**
 * One instance of the service.
 *
 * @publicApi
 */
export interface ClusterInstance {
  /** Its name, as in `expected`: `cluster.instance`, or the first part of the ids of its operations. */
  readonly id: string;
  /** `cluster.service`. */
  readonly service: string;
  /** By its own clock. ISO 8601. */
  readonly startedAt: string;
  /** How many operations are live there. */
  readonly live: number;
  /** It shuts down. */
  readonly draining: boolean;
  /** Whether it has answered; otherwise the numbers are those of its last heartbeat. */
  readonly replied: boolean;
}

export function instanceOf(
  { startedAt, live, draining }: Member,
  id: string,
  service: string,
  replied: boolean,
): ClusterInstance {
  return { id, service, startedAt, live, draining, replied };
}

/** @returns whether another instance has sent an operation */
export function isSnapshot(value: unknown): value is OperationSnapshot {
  return (
    isRecord(value) &&
    typeof value['id'] === 'string' &&
    typeof value['name'] === 'string' &&
    typeof value['status'] === 'string' &&
    typeof value['startedAt'] === 'string' &&
    isRecord(value['metadata']) &&
    Array.isArray(value['tags'])
  );
}
