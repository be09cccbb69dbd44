import type { CancelationReason } from '../scope/cancelation-error.js';
import { monotonicNow } from '../scope/clock.js';
import type { OperationStatus } from './operation-options.js';
import type { OperationState } from './operation-state.js';
import { bare, ownValue } from '../scope/plain-object.js';
import { isoTime, milliseconds } from '../scope/plain-data.js';
import type { OperationSnapshot } from './snapshot.js';

/**
 * How far an operation is, in numbers alone.
 *
 * @publicApi
 */
export interface PublicProgress {
  /** How much is done. */
  readonly current?: number;
  /** How much there is to do. */
  readonly total?: number;
  /** 0 to 100, to one decimal. */
  readonly percent?: number;
  /** `current` per second. */
  readonly rate?: number;
  /** Milliseconds until `total`, at this rate. */
  readonly remaining?: number;
  /** When it was reported: milliseconds since the epoch. */
  readonly at: number;
}

/**
 * What anybody may know of an operation: that it runs, how far it is, how it ended. No message,
 * metadata, error, partial result, or id of another operation.
 *
 * @publicApi
 */
export interface PublicOperation {
  /** Its id. */
  readonly id: string;
  /** Its name. */
  readonly name: string;
  /** Where it stands. */
  readonly status: OperationStatus;
  /** Why it was canceled. */
  readonly reason?: CancelationReason;
  /** `OPERATION_TIMEOUT`. */
  readonly code?: string;
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
  /** Its last report, in numbers alone. */
  readonly progress?: PublicProgress;
}

type Writable<Shape> = { -readonly [Key in keyof Shape]: Shape[Key] };

const NUMBERS = ['current', 'total', 'percent', 'rate', 'remaining'] as const;

/** The public form of an operation, live or ended, without making the whole snapshot. */
export function publicView(state: OperationState): PublicOperation {
  const { record, extras, limit, duration, startedWall } = state;
  const view: Writable<PublicOperation> = {
    id: state.id,
    name: state.name,
    status: state.status,
    startedAt: isoTime(startedWall),
    durationMs: milliseconds(duration ?? monotonicNow() - state.startedAt),
  };
  if (record !== undefined) {
    view.reason = record.reason;
    view.code = publicCode(record.reason);
    view.canceledAt = isoTime(record.at);
  }
  if (duration !== undefined) view.endedAt = isoTime(startedWall + duration);
  if (limit !== undefined) view.deadline = isoTime(startedWall + limit - state.startedAt);
  if (extras?.progress !== undefined) view.progress = publicProgress(extras.progress);
  return view;
}

/** The public form of what the history remembers. */
export function publicViewOf(whole: OperationSnapshot): PublicOperation {
  const snapshot = bare(whole);
  const { id, name, status, reason, startedAt, endedAt, canceledAt, durationMs } = snapshot;
  const view: Writable<PublicOperation> = { id, name, status, startedAt, durationMs };
  if (reason !== undefined) {
    view.reason = reason;
    view.code = publicCode(reason);
  }
  if (canceledAt !== undefined) view.canceledAt = canceledAt;
  if (endedAt !== undefined) view.endedAt = endedAt;
  if (snapshot.deadline !== undefined) view.deadline = snapshot.deadline;
  if (snapshot.progress !== undefined) view.progress = publicProgress(snapshot.progress);
  return view;
}

/** Only what are numbers: a report may hold anything. */
function publicProgress(progress: PublicProgress): PublicProgress {
  const view: Writable<PublicProgress> = { at: progress.at };
  for (const key of NUMBERS) {
    const value = ownValue(progress, key);
    if (typeof value === 'number') view[key] = value;
  }
  return view;
}

/** The code that callers are told for a reason: `OPERATION_TIMEOUT`. */
export function publicCode(reason: CancelationReason): string {
  return `OPERATION_${reason.toUpperCase()}`;
}
