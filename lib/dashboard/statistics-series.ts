import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { cancelLatencyOf } from '../operation/cancel-latency.js';
import type { OperationState } from '../operation/operation-state.js';
import { DurationHistogram } from '../registry/duration-histogram.js';
import { OperationRegistry } from '../registry/operation-registry.js';
import type { OperationStatistics } from '../registry/statistics.js';
import { wallNow } from '../scope/clock.js';
import type { CancelationReason } from '../scope/cancelation-error.js';
import { DASHBOARD_REGISTRY } from './dashboard-tokens.js';
import type { StatisticsSample } from './api-types.js';

/** Milliseconds of a sample. */
const SPAN = 5_000;
/** Samples that are kept: an hour. */
const MOST = 720;

/** What happened in the last hour, in spans of five seconds. */
@Injectable()
export class StatisticsSeries implements OnModuleInit, OnModuleDestroy {
  private readonly samples: StatisticsSample[] = [];
  private readonly durations = new DurationHistogram();
  private readonly latencies = new DurationHistogram();
  private timer: NodeJS.Timeout | undefined;
  private stopListening: (() => void) | undefined;
  private before: OperationStatistics | undefined;
  private sampledAt = 0;

  constructor(@Inject(DASHBOARD_REGISTRY) private readonly registry: OperationRegistry) {}

  onModuleInit(): void {
    const { events } = OperationRegistry.liveOf(this.registry);
    this.before = this.registry.statistics();
    this.sampledAt = wallNow();
    this.stopListening = events.observe('settled', (state) => this.settled(state));
    this.timer = setInterval(() => this.sample(), SPAN).unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
    this.stopListening?.();
  }

  /** Oldest first. The last one is about the span that is not over yet. */
  read(): readonly StatisticsSample[] {
    return [...this.samples, this.measure(this.registry.statistics(), wallNow())];
  }

  private settled(state: OperationState): void {
    this.durations.record(state.duration ?? 0);
    const latency = cancelLatencyOf(state);
    if (latency !== undefined) this.latencies.record(latency);
  }

  private sample(): void {
    const now = wallNow();
    const statistics = this.registry.statistics();
    this.samples.push(this.measure(statistics, now));
    if (this.samples.length > MOST) this.samples.shift();
    this.before = statistics;
    this.sampledAt = now;
    this.durations.reset();
    this.latencies.reset();
  }

  private measure(statistics: OperationStatistics, at: number): StatisticsSample {
    const { live, zombies, refused, byStatus, byReason } = statistics;
    const before = this.before ?? statistics;
    const since = (of: (numbers: OperationStatistics) => number) =>
      Math.max(0, of(statistics) - of(before));
    const completed = since((numbers) => numbers.byStatus.completed);
    const failed = since((numbers) => numbers.byStatus.failed);
    const canceled = since((numbers) => numbers.byStatus.canceled);
    return {
      ...{ at, span: at - this.sampledAt, live, zombies, completed, failed, canceled },
      started: Math.max(
        0,
        completed + failed + canceled + liveIn(byStatus) - liveIn(before.byStatus),
      ),
      refused: refused - before.refused,
      byReason: difference(byReason, before.byReason),
      duration: this.durations.percentiles(),
      cancelLatency: this.latencies.percentiles(),
    };
  }
}

type ByReason = OperationStatistics['byReason'];

function liveIn({ running, canceling }: OperationStatistics['byStatus']): number {
  return running + canceling;
}

function difference(now: ByReason, before: ByReason): ByReason {
  const changed = Object.entries(now).map(
    ([reason, number]) => [reason, number - (before[reason as CancelationReason] ?? 0)] as const,
  );
  return Object.fromEntries(changed.filter(([, number]) => number > 0));
}
