import type * as client from 'prom-client';
import type { Counter, Histogram, Registry } from 'prom-client';
import type { Measured } from '../telemetry/measured.js';
import type { Measures } from '../telemetry/measure-operations.js';
import type { MeasuredNumber, MeasuredStores } from '../telemetry/measured-stores.js';
import {
  ACTIVE,
  CANCEL_LATENCY,
  CANCELATIONS,
  DURATION,
  type HistogramMetric,
  type Label,
  LABELS,
  type Metric,
  REFUSED,
  ZOMBIES,
} from '../telemetry/metrics.js';

export type Client = typeof client;

const NAME = labelOf(LABELS.name);
const KIND = labelOf(LABELS.kind);
const STATUS = labelOf(LABELS.status);
const REASON = labelOf(LABELS.reason);

/** What all names of metrics begin with, as OpenTelemetry writes it. */
const COMMON = /^cancelable\./;

/**
 * The metrics on one registry, by the names and labels that exporters of OpenTelemetry give them, so
 * that one dashboard is right for both.
 */
export class OperationMetrics implements Measures {
  private readonly all: readonly Named[];
  private readonly durations: Histogram;
  private readonly latencies: Histogram;
  private readonly cancelations: Counter;

  /** @throws Error when another metric has one of the names */
  constructor(
    { Counter, Gauge, Histogram }: Client,
    private readonly register: Registry,
    prefix: string,
    stores: MeasuredStores,
  ) {
    const aboutOf = ({ name, description, unit, labels }: Metric, ending = '') => ({
      name: prefix + underscored(name.replace(COMMON, '')) + (unit === 's' ? '_seconds' : ending),
      help: description,
      labelNames: labels.map(labelOf),
      registers: [] as Registry[],
    });
    const histogram = (metric: HistogramMetric) =>
      new Histogram({ ...aboutOf(metric), buckets: [...metric.buckets] });
    const gauge = (metric: Metric, read: () => Iterable<MeasuredNumber>) =>
      new Gauge({
        ...aboutOf(metric),
        collect() {
          for (const { name, kind, number } of read()) {
            this.set({ [NAME]: name, [KIND]: kind }, number);
          }
        },
      });
    this.durations = histogram(DURATION);
    this.latencies = histogram(CANCEL_LATENCY);
    this.cancelations = new Counter(aboutOf(CANCELATIONS, '_total'));
    const refused = new Counter({
      ...aboutOf(REFUSED, '_total'),
      collect() {
        this.reset();
        this.inc(stores.refused());
      },
    });
    const active = gauge(ACTIVE, () => stores.active());
    const zombies = gauge(ZOMBIES, () => stores.zombies());
    const { durations, latencies, cancelations } = this;
    this.all = [
      active,
      zombies,
      refused,
      durations,
      latencies,
      cancelations,
    ] as readonly object[] as readonly Named[];
    this.add();
  }

  /**
   * Puts on the registry what is not there: it may have been cleared.
   *
   * @throws Error when another metric has one of the names; then it has put none there
   */
  add(): void {
    const added: Named[] = [];
    try {
      for (const metric of this.all.filter((each) => !this.isThere(each))) {
        this.register.registerMetric(metric as never);
        added.push(metric);
      }
    } catch (error) {
      for (const { name } of added) this.register.removeSingleMetric(name);
      throw error;
    }
  }

  canceled(operation: Measured, reason: string): void {
    this.cancelations.inc(labels(operation, REASON, reason));
  }

  stopped(operation: Measured, reason: string, seconds: number): void {
    this.latencies.observe(labels(operation, REASON, reason), seconds);
  }

  ended(operation: Measured, status: string, seconds: number): void {
    this.durations.observe(labels(operation, STATUS, status), seconds);
  }

  remove(): void {
    for (const metric of this.all) {
      if (this.isThere(metric)) this.register.removeSingleMetric(metric.name);
    }
  }

  /** Another metric may have the name by now. */
  private isThere(metric: Named): boolean {
    return (this.register.getSingleMetric(metric.name) as unknown) === metric;
  }
}

/** What the types of `prom-client` keep to themselves. */
interface Named {
  readonly name: string;
}

function labels({ name, kind }: Measured, label: string, value: string): Record<string, string> {
  return { [NAME]: name, [KIND]: kind, [label]: value };
}

function labelOf(label: Label): string {
  return underscored(label);
}

function underscored(name: string): string {
  return name.replaceAll('.', '_');
}
