import { createHistogram } from 'node:perf_hooks';

/**
 * Percentiles in milliseconds; 0 when nothing was measured.
 *
 * @publicApi
 */
export interface Percentiles {
  /** Milliseconds; 0 while nothing was measured. */
  readonly p50: number;
  /** 95 of 100 took no longer. */
  readonly p95: number;
  /** 99 of 100 took no longer. */
  readonly p99: number;
}

const MICROSECONDS = 1_000;

/** Node's own HDR histogram: one percent of precision, from a microsecond to a year. */
export class DurationHistogram {
  private readonly histogram = createHistogram({ lowest: 1, highest: 3.2e13, figures: 2 });

  get count(): number {
    return this.histogram.count;
  }

  /** @param duration milliseconds */
  record(duration: number): void {
    this.histogram.record(Math.max(1, Math.round(duration * MICROSECONDS)));
  }

  /** @returns milliseconds that so many of a hundred did not exceed */
  percentile(share: number): number {
    return this.histogram.percentile(share) / MICROSECONDS;
  }

  percentiles(): Percentiles {
    if (this.count === 0) return { p50: 0, p95: 0, p99: 0 };
    return { p50: this.percentile(50), p95: this.percentile(95), p99: this.percentile(99) };
  }

  reset(): void {
    this.histogram.reset();
  }
}
