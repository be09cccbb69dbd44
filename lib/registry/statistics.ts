import type { CancelationReason } from '../scope/cancelation-error.js';
import { cancelLatencyOf } from '../operation/cancel-latency.js';
import type { OperationLog } from '../operation/operation-log.js';
import type { OperationKind, OperationStatus } from '../operation/operation-options.js';
import {
  createCounters,
  type NameCounters,
  type OperationCounters,
} from '../operation/operation-plan.js';
import type { OperationState } from '../operation/operation-state.js';
import { DurationHistogram, type Percentiles } from './duration-histogram.js';

/** A hundred equal parts of what was measured, each by its longest, in milliseconds. */
export interface Samples {
  readonly count: number;
  readonly values: readonly number[];
}

export interface AllSamples {
  readonly duration: Samples;
  readonly cancelLatency: Samples;
}

/**
 * Counters of the operations of one name.
 *
 * @publicApi
 */
export type NameStatistics = Readonly<NameCounters>;

/**
 * Numbers of a registry since its start.
 *
 * @publicApi
 */
export interface OperationStatistics {
  /** How many are live, zombies included. */
  readonly live: number;
  /** Live ones as they are, ended ones since the start. */
  readonly byStatus: Readonly<Record<OperationStatus, number>>;
  /** How many were canceled, by reason. */
  readonly byReason: Readonly<Partial<Record<CancelationReason, number>>>;
  /**
   * The 100 names that started most; last, under `(other)`, all beyond the first 1,000 names
   * together.
   */
  readonly byName: Readonly<Record<string, NameStatistics>>;
  /** How long operations took, from their begin to their end. */
  readonly duration: Percentiles;
  /** From the cancel until the body had really stopped. */
  readonly cancelLatency: Percentiles;
  /** Live operations that still run long after their cancelation. */
  readonly zombies: number;
  /** How many were not begun: no room, or draining. */
  readonly refused: number;
  /** How many headers of `http.deadlines` came with a value that is not valid. */
  readonly ignoredDeadlines: number;
}

const BUSIEST = 100;
/**
 * Names that are not written in the code, sooner or later hold ids: so many have counters of their
 * own.
 */
const MOST_NAMES = 1_000;
/** A longer name, of whatever origin, is not remembered beyond its operation. */
export const LONGEST_NAME = 256;
const OTHER = '(other)';

/** Counters and two HDR histograms (Node's own), bounded whatever happens, in constant time. */
export class Statistics {
  zombies = 0;
  refused = 0;
  ignoredDeadlines = 0;
  canceling = 0;
  private completed = 0;
  private failed = 0;
  private canceled = 0;
  private readonly reasons = new Map<CancelationReason, number>();
  /** Each name has one for each of its kinds. */
  private readonly names = new Map<string, OperationCounters[]>();
  /** How many of the names are not written in the code. */
  private given = 0;
  /** Those that found no room. */
  private readonly others: OperationCounters[] = [];
  private hasWarned = false;
  private readonly durations = new DurationHistogram();
  private readonly latencies = new DurationHistogram();

  constructor(private readonly log: OperationLog) {}

  /**
   * The counters of a name and kind; plans keep them, so they are never replaced.
   *
   * @param isDeclared the name is written in the code, and so one of few: it always has its own
   */
  countersOf(name: string, kind: OperationKind, isDeclared: boolean): OperationCounters {
    const known = this.names.get(name);
    if (known !== undefined) return ofKind(known, name, kind);
    if (!isDeclared && !this.hasRoomFor(name)) return ofKind(this.others, OTHER, kind);
    const added: OperationCounters[] = [];
    this.names.set(name, added);
    return ofKind(added, name, kind);
  }

  /** Those of every name and kind there is. */
  *allCounters(): Generator<OperationCounters> {
    for (const counters of this.names.values()) yield* counters;
    yield* this.others;
  }

  private hasRoomFor(name: string): boolean {
    if (name !== OTHER && name.length <= LONGEST_NAME && this.given < MOST_NAMES) {
      this.given++;
      return true;
    }
    if (this.given >= MOST_NAMES && !this.hasWarned) {
      this.hasWarned = true;
      this.log.warn(
        `There are more than ${MOST_NAMES.toLocaleString('en')} names of operations: the statistics count ` +
          `further ones together, as '${OTHER}'. Keep names few: ids belong into metadata.`,
      );
    }
    return false;
  }

  ended(state: OperationState): void {
    const { counters } = state.plan;
    const { duration = 0 } = state;
    if (state.outcome === 'completed') {
      this.completed++;
      counters.completed++;
    } else if (state.outcome === 'failed') {
      this.failed++;
      counters.failed++;
    } else {
      this.canceled++;
      counters.canceled++;
    }
    this.durations.record(duration);
    const { record: cancel } = state;
    if (cancel === undefined) return;
    this.canceling--;
    if (state.zombie) {
      this.zombies--;
      counters.zombies--;
    }
    this.reasons.set(cancel.reason, (this.reasons.get(cancel.reason) ?? 0) + 1);
    this.latencies.record(cancelLatencyOf(state) ?? 0);
  }

  read(live: number): OperationStatistics {
    const { completed, failed, canceled, canceling } = this;
    return {
      live,
      byStatus: { running: live - canceling, canceling, completed, failed, canceled },
      byReason: Object.fromEntries(this.reasons),
      byName: Object.fromEntries(this.busiest()),
      duration: this.durations.percentiles(),
      cancelLatency: this.latencies.percentiles(),
      zombies: this.zombies,
      refused: this.refused,
      ignoredDeadlines: this.ignoredDeadlines,
    };
  }

  /** The hundred parts that percentiles of several instances are made of. */
  samples(): AllSamples {
    return { duration: samples(this.durations), cancelLatency: samples(this.latencies) };
  }

  private busiest(): [string, NameCounters][] {
    const begun = [...this.names]
      .map(([name, counters]): [string, NameCounters] => [name, sumOf(counters)])
      .filter(([, { started }]) => started > 0);
    const busiest = begun.sort(([, a], [, b]) => b.started - a.started).slice(0, BUSIEST);
    const others = sumOf(this.others);
    return others.started === 0 ? busiest : [...busiest, [OTHER, others]];
  }
}

/** One of a few, or a new one that joins them. */
function ofKind(known: OperationCounters[], name: string, kind: OperationKind): OperationCounters {
  for (const each of known) if (each.kind === kind) return each;
  const added = createCounters(name, kind);
  known.push(added);
  return added;
}

function sumOf(all: readonly OperationCounters[]): NameCounters {
  const sum = { started: 0, live: 0, completed: 0, failed: 0, canceled: 0 };
  for (const { started, live, completed, failed, canceled } of all) {
    sum.started += started;
    sum.live += live;
    sum.completed += completed;
    sum.failed += failed;
    sum.canceled += canceled;
  }
  return sum;
}

function samples(histogram: DurationHistogram): Samples {
  const { count } = histogram;
  if (count === 0) return { count, values: [] };
  const values = Array.from({ length: 100 }, (_, index) => histogram.percentile(index + 1));
  return { count, values };
}
