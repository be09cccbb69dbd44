/** One of few values each: names of operations are bounded by the statistics. */
export const LABELS = {
  /** `GET /reports/:city`; `(other)` beyond the first 1,000 names that do not stand in the code. */
  name: 'cancelable.operation.name',
  /** `http`, `method`, … */
  kind: 'cancelable.operation.kind',
  /** `completed`, `failed` or `canceled`. */
  status: 'cancelable.operation.status',
  /** Why it was canceled. */
  reason: 'cancelable.reason',
} as const;

export type Label = (typeof LABELS)[keyof typeof LABELS];

/** A number that is told of the operations of an application. */
export interface Metric {
  /** As OpenTelemetry writes names. */
  readonly name: string;
  readonly description: string;
  /** In the code of UCUM: `s`, `{operation}`. */
  readonly unit: string;
  readonly labels: readonly Label[];
}

export interface HistogramMetric extends Metric {
  /** Upper bounds, in the metric's unit. */
  readonly buckets: readonly number[];
}

/** Those of `http.server.request.duration` in the semantic conventions, and what runs longer. */
const DURATIONS = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60, 300,
];

/** A body that listens has stopped within a few milliseconds; one that does not is a zombie. */
const LATENCIES = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export const ACTIVE: Metric = {
  name: 'cancelable.operation.active',
  description: 'Operations that are live, those that are being canceled included.',
  unit: '{operation}',
  labels: [LABELS.name, LABELS.kind],
};

export const DURATION: HistogramMetric = {
  name: 'cancelable.operation.duration',
  description: 'How long operations took, from their begin to their end.',
  unit: 's',
  labels: [LABELS.name, LABELS.kind, LABELS.status],
  buckets: DURATIONS,
};

export const CANCELATIONS: Metric = {
  name: 'cancelable.operation.cancelations',
  description: 'Operations that were canceled.',
  unit: '{operation}',
  labels: [LABELS.name, LABELS.kind, LABELS.reason],
};

export const CANCEL_LATENCY: HistogramMetric = {
  name: 'cancelable.operation.cancel.latency',
  description: 'From the cancel of an operation until its body had really stopped.',
  unit: 's',
  labels: [LABELS.name, LABELS.kind, LABELS.reason],
  buckets: LATENCIES,
};

export const ZOMBIES: Metric = {
  name: 'cancelable.operation.zombies',
  description: 'Live operations that still run long after their cancel.',
  unit: '{operation}',
  labels: [LABELS.name, LABELS.kind],
};

export const REFUSED: Metric = {
  name: 'cancelable.operation.refused',
  description: 'Operations that were not begun: no room, or the application shuts down.',
  unit: '{operation}',
  labels: [],
};
