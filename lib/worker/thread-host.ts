import { randomUUID } from 'node:crypto';
import type { CancelRecord } from '../scope/cancel-record.js';
import { ExclusiveKeys } from '../operation/exclusive.js';
import type { OperationHost } from '../operation/operation-host.js';
import type { OperationLog } from '../operation/operation-log.js';
import { createCounters, type OperationCounters } from '../operation/operation-plan.js';
import type { OperationKind } from '../operation/operation-options.js';
import type { OperationState } from '../operation/operation-state.js';
import type { OperationProgress } from '../operation/progress.js';

/** The main thread watches for zombies; here, nothing is late. */
const NEVER = 2 ** 31 - 1;

/** The events that a thread's host tells of its operation. */
export interface HostEvents {
  progressed(state: OperationState, progress: OperationProgress): void;
  canceled(state: OperationState, record: CancelRecord): void;
}

/** Keeps the one operation that a thread works for. The registry is in the main thread. */
export class ThreadHost implements OperationHost<OperationState> {
  readonly zombieAfter = NEVER;
  readonly maxTimeout = Infinity;
  readonly exclusives = new ExclusiveKeys();
  /** A lease is the main thread's to take. */
  readonly clusterKeys = undefined;

  constructor(
    readonly log: OperationLog,
    readonly cleanupLimit: number,
    private readonly events: HostEvents,
  ) {}

  inject(_tokens: readonly unknown[], where: string): unknown[] {
    throw new TypeError(`${where}: there are no providers in a worker thread`);
  }

  countersOf(name: string, kind: OperationKind): OperationCounters {
    return createCounters(name, kind);
  }

  createId(): string {
    return randomUUID();
  }

  /** The main thread finds operations. */
  get(): undefined {
    return undefined;
  }

  admit(): void {}
  started(): void {}
  identified(): void {}
  lingered(): void {}
  settled(): void {}
  suspended(): void {}
  resumed(): void {}

  progressed(state: OperationState, progress: OperationProgress): void {
    this.events.progressed(state, progress);
  }

  canceled(state: OperationState, record: CancelRecord): void {
    this.events.canceled(state, record);
  }
}
