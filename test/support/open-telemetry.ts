import { context, metrics, trace } from '@opentelemetry/api';
import { MeterProvider, type MetricData, MetricReader } from '@opentelemetry/sdk-metrics';
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node';
import { closeAfterTest } from './close-after-test.js';

/** Registers the SDK's tracer until the end of the test. @returns the spans that have ended */
export function registerTracer(): () => readonly ReadableSpan[] {
  const exporter = new InMemorySpanExporter();
  const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  provider.register();
  closeAfterTest(() => {
    trace.disable();
    context.disable();
    return provider.shutdown();
  });
  return () => exporter.getFinishedSpans();
}

/** Runs in a span of a user. A tracer that is kept would be that of the first SDK. */
export function inSpan<Result>(name: string, call: () => Promise<Result>): Promise<Result> {
  return trace.getTracer('test').startActiveSpan(name, (span) => call().finally(() => span.end()));
}

/** `child < parent`, from a span to its root. */
export function pathFrom(spans: readonly ReadableSpan[], from: ReadableSpan | undefined): string {
  const path = [];
  for (let span = from; span !== undefined;) {
    path.push(span.name);
    const above: string | undefined = span.parentSpanContext?.spanId;
    span = spans.find((each) => each.spanContext().spanId === above);
  }
  return path.join(' < ');
}

class TestReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

/** Registers the SDK's meter until the end of the test. @returns the metrics by name, as they are */
export function registerMeter(): () => Promise<Map<string, MetricData>> {
  const reader = new TestReader();
  const provider = new MeterProvider({ readers: [reader] });
  metrics.setGlobalMeterProvider(provider);
  closeAfterTest(() => {
    metrics.disable();
    return provider.shutdown();
  });
  return async () => {
    const { resourceMetrics, errors } = await reader.collect();
    if (errors.length > 0) throw new AggregateError(errors);
    const all = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
    return new Map(all.map((metric) => [metric.descriptor.name, metric]));
  };
}
