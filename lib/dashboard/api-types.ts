import type { ClusterAnswer, ClusterInstance } from '../registry/cluster-answer.js';
import type { CancelationReason } from '../scope/cancelation-error.js';
import type { OperationSnapshot } from '../operation/snapshot.js';
import type { Percentiles } from '../registry/duration-histogram.js';
import type { OperationStatistics } from '../registry/statistics.js';

/**
 * An operation as the dashboard shows it: redacted, and with what may be done about it.
 *
 * @publicApi
 */
export interface DashboardOperation extends OperationSnapshot {
  /** The name of its instance; of operations of all instances only. */
  readonly instance?: string;
  /** Whether this caller may cancel it now. */
  readonly cancelable: boolean;
}

/** Where the application stands, and what this caller may do. */
export interface DashboardInfo {
  readonly title: string;
  /** The name of this instance. */
  readonly instance: string;
  readonly service: string | undefined;
  /** Whether `cluster` is configured, so that `instances=all` says more. */
  readonly cluster: boolean;
  readonly draining: boolean;
  /** Milliseconds until what still runs is canceled, while draining. */
  readonly graceLeft: number | undefined;
  /** Whether this caller may read `statistics`. */
  readonly statistics: boolean;
  /** This server's clock: milliseconds since the epoch. */
  readonly now: number;
}

/** What is said beside operations of all instances; absent where only this one was asked. */
export interface Answered {
  readonly answer?: ClusterAnswer;
}

export interface OperationPage extends Answered {
  readonly operations: readonly DashboardOperation[];
  /** How many match, on all pages. */
  readonly total: number;
  /** `offset` of the next page. */
  readonly next?: number;
}

export interface OperationDetail extends Answered {
  readonly operation: DashboardOperation;
  /** From the root to the parent, as far as they may be read. */
  readonly ancestors: readonly DashboardOperation[];
  /** All below it, live and remembered: each before those below it, siblings as they began. */
  readonly descendants: readonly DashboardOperation[];
  /** What else can cancel it. */
  readonly sources: readonly string[];
}

export interface CancelAnswer extends Answered {
  /** Whether this call was the one that canceled it. */
  readonly canceled: boolean;
}

/** What would be canceled, to be shown before it is confirmed. */
export interface BulkPreview extends Answered {
  readonly count: number;
}

export interface BulkAnswer extends Answered {
  /** How many this call canceled, directly or through a parent. */
  readonly count: number;
}

export interface InstancesAnswer extends ClusterAnswer {
  readonly instances: readonly ClusterInstance[];
}

/** What happened in a span of time. */
export interface StatisticsSample {
  /** The end of the span: milliseconds since the epoch. */
  readonly at: number;
  /** Milliseconds. */
  readonly span: number;
  readonly live: number;
  readonly zombies: number;
  readonly started: number;
  readonly completed: number;
  readonly failed: number;
  readonly canceled: number;
  readonly refused: number;
  readonly byReason: Readonly<Partial<Record<CancelationReason, number>>>;
  /** Of those that ended in the span. */
  readonly duration: Percentiles;
  readonly cancelLatency: Percentiles;
}

export interface StatisticsAnswer extends Answered {
  readonly statistics: OperationStatistics;
  /** Of this instance, oldest first. */
  readonly samples: readonly StatisticsSample[];
}

/**
 * The messages of the feed, by the name of their event. Each has an id, which a client sends as
 * `Last-Event-ID` to go on where it stopped.
 */
export interface FeedMessages {
  /** The client knows nothing, or too little: it has to list anew. */
  readonly reset: { readonly now: number };
  /** What has changed, each operation as it is now. */
  readonly changes: {
    readonly operations: readonly DashboardOperation[];
    /** Ended, and not among `operations`: more happened than is worth sending. */
    readonly gone: readonly string[];
  };
  /** The drain has begun, or the application serves again. */
  readonly info: Pick<DashboardInfo, 'draining' | 'graceLeft' | 'now'>;
}

/** What a filter of the dashboard may say; all that is given must be true. */
export interface OperationQuery {
  readonly status?: readonly string[];
  readonly reason?: readonly string[];
  readonly kind?: readonly string[];
  /** The exact name. */
  readonly name?: string;
  readonly tag?: string;
  readonly rootId?: string;
  readonly parentId?: string;
  /** Part of the id, name, message, a tag, or a value of the metadata; in any case. */
  readonly text?: string;
  /** Milliseconds since it began, or, in the history, since it ended: at least. */
  readonly olderThan?: number;
  /** Only what still runs long after its cancel. */
  readonly zombie?: boolean;
}

export const SORTS = [
  'startedAt',
  'endedAt',
  'durationMs',
  'name',
  'status',
  'deadline',
  'progress',
] as const;

export type Sort = (typeof SORTS)[number];
