import type { Attributes, Meter, MeterProvider, ObservableResult } from '@opentelemetry/api';
import type { OperationStore } from '../registry/operation-store.js';
import { undoing } from '../scope/shared-method.js';
import type { Ignores } from '../telemetry/ignored-operations.js';
import type { Measured } from '../telemetry/measured.js';
import { type Measures, measureOperations } from '../telemetry/measure-operations.js';
import { type MeasuredNumber, MeasuredStores } from '../telemetry/measured-stores.js';
import type { OnFailure } from '../telemetry/observe-safely.js';
import {
  ACTIVE,
  CANCEL_LATENCY,
  CANCELATIONS,
  DURATION,
  type HistogramMetric,
  LABELS,
  type Metric,
  REFUSED,
  ZOMBIES,
} from '../telemetry/metrics.js';
import { type Api, INSTRUMENTATION } from './api.js';

/** Of all applications of the process: two that observe one number would hide each other. */
const stores = new MeasuredStores();
let reporting: Reporting | undefined;

/** Whether an application is told of already. */
export function isMeasured(store: OperationStore): boolean {
  return stores.has(store);
}

/** The metrics of one application, for whichever SDK is registered. */
export class OperationMetrics {
  private readonly to: Reporting;
  /** Until there is somebody to tell, nothing is observed. */
  private stopObserving: (() => void) | undefined = undefined;

  constructor(
    api: Api,
    private readonly store: OperationStore,
    private readonly ignores: Ignores,
    private readonly onFailure: OnFailure,
  ) {
    stores.add(store, ignores);
    this.to = reporting ??= new Reporting(api);
  }

  /** Looks whether an SDK has come, or gone. */
  look(): void {
    const { to, store, ignores, onFailure } = this;
    to.look();
    if (to.instruments === undefined) return;
    this.stopObserving ??= measureOperations(store, () => to.instruments, ignores, onFailure);
  }

  /** The instruments stay: an SDK goes on telling of the last numbers, until it hears of others. */
  end(): void {
    this.stopObserving?.();
    stores.remove(this.store);
  }
}

/** The instruments of the SDK that is registered by now. */
class Reporting {
  private provider: MeterProvider | undefined = undefined;
  /** `undefined`: nobody wants metrics. */
  instruments: Instruments | undefined = undefined;

  constructor(private readonly api: Api) {}

  look(): void {
    const provider = this.api.metrics.getMeterProvider();
    if (provider === this.provider) return;
    this.instruments?.end();
    this.instruments = undefined;
    this.provider = provider;
    stores.forgetNames();
    const meter = provider.getMeter(INSTRUMENTATION);
    if (meter !== this.api.createNoopMeter()) this.instruments = new Instruments(meter);
  }
}

class Instruments implements Measures {
  private readonly durations;
  private readonly latencies;
  private readonly cancelations;
  readonly end: () => void;

  constructor(meter: Meter) {
    const histogram = ({ name, buckets, ...about }: HistogramMetric) =>
      meter.createHistogram(name, {
        ...optionsOf(about),
        advice: { explicitBucketBoundaries: [...buckets] },
      });
    this.durations = histogram(DURATION);
    this.latencies = histogram(CANCEL_LATENCY);
    this.cancelations = meter.createCounter(CANCELATIONS.name, optionsOf(CANCELATIONS));
    const active = meter.createObservableUpDownCounter(ACTIVE.name, optionsOf(ACTIVE));
    const zombies = meter.createObservableUpDownCounter(ZOMBIES.name, optionsOf(ZOMBIES));
    const refused = meter.createObservableCounter(REFUSED.name, optionsOf(REFUSED));
    const observers = [
      observing(active, (result) => observeEach(result, stores.active())),
      observing(zombies, (result) => observeEach(result, stores.zombies())),
      observing(refused, (result) => result.observe(stores.refused())),
    ];
    this.end = undoing(observers);
  }

  canceled(operation: Measured, reason: string): void {
    this.cancelations.add(1, attributes(operation, LABELS.reason, reason));
  }

  stopped(operation: Measured, reason: string, seconds: number): void {
    this.latencies.record(seconds, attributes(operation, LABELS.reason, reason));
  }

  ended(operation: Measured, status: string, seconds: number): void {
    this.durations.record(seconds, attributes(operation, LABELS.status, status));
  }
}

type Observe = (result: ObservableResult) => void;

interface Observed {
  addCallback(callback: Observe): void;
  removeCallback(callback: Observe): void;
}

function observing(observed: Observed, observe: Observe): () => void {
  observed.addCallback(observe);
  return () => observed.removeCallback(observe);
}

function observeEach(result: ObservableResult, numbers: Iterable<MeasuredNumber>): void {
  for (const { name, kind, number } of numbers) {
    result.observe(number, { [LABELS.name]: name, [LABELS.kind]: kind });
  }
}

function optionsOf({ description, unit }: Pick<Metric, 'description' | 'unit'>) {
  return { description, unit };
}

function attributes({ name, kind }: Measured, label: string, value: string): Attributes {
  return { [LABELS.name]: name, [LABELS.kind]: kind, [label]: value };
}
