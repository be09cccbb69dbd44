import type {
  OperationKind,
  OperationMetadata,
  OperationStatus,
} from '../operation/operation-options.js';
import { OperationState } from '../operation/operation-state.js';
import { type OperationSnapshot, snapshotOf } from '../operation/snapshot.js';
import type { CancelationReason } from '../scope/cancelation-error.js';
import { monotonicNow, wallNow } from '../scope/clock.js';
import { ownValue } from '../scope/plain-object.js';

/** A moment on both clocks, in milliseconds. */
interface Moment {
  readonly monotonic: number;
  readonly wall: number;
}

export function momentBefore(milliseconds: number): Moment {
  return { monotonic: monotonicNow() - milliseconds, wall: wallNow() - milliseconds };
}

/**
 * The facts that filters ask for. A live operation answers itself, a remembered one from its
 * snapshot.
 */
export interface FilterSubject {
  readonly name: string;
  readonly kind: OperationKind;
  readonly status: OperationStatus;
  readonly reason: CancelationReason | undefined;
  readonly tags: readonly string[] | undefined;
  readonly metadata: Readonly<OperationMetadata> | undefined;
  /** Milliseconds since the epoch. */
  readonly startedWall: number;
  isNamed(id: string): boolean;
  isChildOf(id: string): boolean;
  isUnder(rootId: string): boolean;
  /** A live one started, a remembered one ended, at that moment or before. */
  isOlderThan(moment: Moment): boolean;
}

/** A remembered operation. */
export class RememberedSubject implements FilterSubject {
  constructor(readonly snapshot: OperationSnapshot) {}

  get name(): string {
    return this.snapshot.name;
  }

  get kind(): OperationKind {
    return this.snapshot.kind;
  }

  get status(): OperationStatus {
    return this.snapshot.status;
  }

  get reason(): CancelationReason | undefined {
    return ownValue(this.snapshot, 'reason') as CancelationReason | undefined;
  }

  get tags(): readonly string[] {
    return this.snapshot.tags;
  }

  get metadata(): OperationMetadata {
    return this.snapshot.metadata;
  }

  get startedWall(): number {
    return Date.parse(this.snapshot.startedAt);
  }

  isNamed(id: string): boolean {
    return this.snapshot.id === id;
  }

  isChildOf(id: string): boolean {
    return ownValue(this.snapshot, 'parentId') === id;
  }

  isUnder(rootId: string): boolean {
    return this.snapshot.rootId === rootId;
  }

  isOlderThan({ wall }: Moment): boolean {
    return Date.parse(this.snapshot.endedAt ?? this.snapshot.startedAt) <= wall;
  }
}

export function snapshotOfSubject(subject: FilterSubject): OperationSnapshot {
  return subject instanceof OperationState
    ? snapshotOf(subject)
    : (subject as RememberedSubject).snapshot;
}
