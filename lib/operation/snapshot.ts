import type { CancelationReason } from '../scope/cancelation-error.js';
import { causesOf, type CauseSnapshot } from './cause-snapshots.js';
import { monotonicNow } from '../scope/clock.js';
import type { OperationKind, OperationMetadata, OperationStatus } from './operation-options.js';
import type { OperationState } from './operation-state.js';
import { readableParts } from '../scope/plain-object.js';
import type { OperationProgress } from './progress.js';
import { isoTime, milliseconds, plain, text } from '../scope/plain-data.js';
import { valueOf } from '../scope/derived-value.js';

/**
 * An error as plain data.
 *
 * @publicApi
 */
export interface ErrorSnapshot {
  /** The error's name. */
  readonly name: string;
  /** The error's message. */
  readonly message: string;
  /** The error's code, if it has one. */
  readonly code?: string | number;
  /** The error's stack, up to 4 KiB in the history. */
  readonly stack?: string;
}

/**
 * An operation as plain data: safe for JSON whatever the metadata holds.
 *
 * @publicApi
 */
export interface OperationSnapshot {
  /** Its id. */
  readonly id: string;
  /** Its name. */
  readonly name: string;
  /** What began it. */
  readonly kind: OperationKind;
  /** Where it stands. */
  readonly status: OperationStatus;
  /** Why it was canceled. */
  readonly reason?: CancelationReason;
  /** What was said of its cancel. */
  readonly message?: string;
  /** Who asked for the cancel. */
  readonly requestedBy?: string;
  /** Where in the code the cancel was asked for; not where it came from another. */
  readonly requestedFrom?: string;
  /** What led to the cancel, from what is nearest to the root: at most ten links. */
  readonly causes?: readonly CauseSnapshot[];
  /** The id of its parent. */
  readonly parentId?: string;
  /** The id of the outermost operation of its tree. */
  readonly rootId: string;
  /** ISO 8601. */
  readonly startedAt: string;
  /** ISO 8601. */
  readonly endedAt?: string;
  /** ISO 8601. */
  readonly canceledAt?: string;
  /** Milliseconds, so far while it runs. */
  readonly durationMs: number;
  /** ISO 8601: the effective deadline. */
  readonly deadline?: string;
  /** Its metadata, as JSON would have it. */
  readonly metadata: OperationMetadata;
  /** Its tags, inherited ones too. */
  readonly tags: readonly string[];
  /** Its last report. */
  readonly progress?: OperationProgress;
  /** What it has saved; in the history up to 1 KiB. */
  readonly partialResult?: unknown;
  /** What it failed with. */
  readonly error?: ErrorSnapshot;
  /** The body was still running long after the cancel. */
  readonly zombie: boolean;
  /** The body gave a value although it was canceled. */
  readonly returned: boolean;
  /**
   * It ended by itself, but only after its deadline: its body blocked the event loop past it, so
   * that no timer could cancel it.
   */
  readonly overran: boolean;
}

/**
 * A snapshot with those of its children.
 *
 * @publicApi
 */
export interface OperationTreeNode extends OperationSnapshot {
  /** Those that it began, as far as they are live. */
  readonly children: readonly OperationTreeNode[];
}

/** An operation at one moment: what of it may change, read, and not yet turned into plain data. */
export interface OperationFacts extends Pick<
  OperationState,
  'status' | 'record' | 'duration' | 'limit' | 'metadata' | 'tags' | 'zombie' | 'returned' | 'cause'
> {
  /** For what does not change. */
  readonly state: OperationState;
  /** Monotonic milliseconds. */
  readonly now: number;
  readonly overran: boolean;
  readonly progress: OperationProgress | undefined;
  /** Perhaps a `DerivedValue`. */
  readonly partialResult: unknown;
}

/** Reads what of an operation may change. A fraction of what a snapshot costs. */
export function factsOf(state: OperationState, withPartialResult = true): OperationFacts {
  const { extras } = state;
  return {
    state,
    now: monotonicNow(),
    status: state.status,
    record: state.record,
    duration: state.duration,
    limit: state.limit,
    metadata: state.metadata,
    tags: state.tags,
    zombie: state.zombie,
    returned: state.returned,
    cause: state.cause,
    overran: extras?.overran === true,
    progress: extras?.progress,
    partialResult: withPartialResult ? extras?.partialResult : undefined,
  };
}

export function snapshotOf(state: OperationState, withPartialResult = true): OperationSnapshot {
  return snapshotOfFacts(factsOf(state, withPartialResult));
}

export function snapshotOfFacts(facts: OperationFacts): OperationSnapshot {
  const { state, record, limit, duration, metadata, progress } = facts;
  const { startedWall, parentId } = state;
  const snapshot: { -readonly [Key in keyof OperationSnapshot]: OperationSnapshot[Key] } = {
    id: state.id,
    name: state.name,
    kind: state.plan.kind,
    status: facts.status,
    rootId: state.rootId,
    startedAt: isoTime(startedWall),
    durationMs: milliseconds(duration ?? facts.now - state.startedAt),
    metadata: metadata === undefined ? {} : (plain(metadata) as OperationMetadata),
    tags: facts.tags ?? [],
    zombie: facts.zombie,
    returned: facts.returned,
    overran: facts.overran,
  };
  if (record !== undefined) {
    snapshot.reason = record.reason;
    snapshot.message = record.text;
    snapshot.canceledAt = isoTime(record.at);
    if (record.requestedBy !== undefined) snapshot.requestedBy = record.requestedBy;
    const requestedFrom = record.site?.();
    if (requestedFrom !== undefined) snapshot.requestedFrom = requestedFrom;
    const causes = causesOf(record, state.hasError ? state.error() : undefined);
    if (causes.length > 0) snapshot.causes = causes;
  }
  if (parentId !== undefined) snapshot.parentId = parentId;
  if (duration !== undefined) snapshot.endedAt = isoTime(startedWall + duration);
  if (limit !== undefined) snapshot.deadline = isoTime(startedWall + limit - state.startedAt);
  if (progress !== undefined) snapshot.progress = plain(progress) as OperationProgress;
  if (facts.partialResult !== undefined) {
    snapshot.partialResult = plain(valueOf(facts.partialResult));
  }
  if (facts.cause !== undefined) snapshot.error = errorSnapshot(facts.cause);
  return snapshot;
}

export function errorSnapshot(error: unknown): ErrorSnapshot {
  if (!(error instanceof Error)) return { name: 'Error', message: text(error) };
  const { name, message, code, stack } = readableParts(error);
  return {
    name: typeof name === 'string' ? name : 'Error',
    message: typeof message === 'string' ? message : text(error),
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : undefined),
    ...(typeof stack === 'string' ? { stack } : undefined),
  };
}
