// OpenTelemetry as its manual sets it up: loaded before anything that it instruments.
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { NestInstrumentation } from '@opentelemetry/instrumentation-nestjs-core';
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node';

const exporter = new InMemorySpanExporter();
new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
registerInstrumentations({
  instrumentations: [new HttpInstrumentation(), new NestInstrumentation()],
});

/** The span that was made for a request to another server, and what it is in, from the inside out. */
export function pathOfOutgoing(): string[] {
  const spans = exporter.getFinishedSpans();
  const above = (span: ReadableSpan) =>
    spans.find((other) => other.spanContext().spanId === span.parentSpanContext?.spanId);
  const path: string[] = [];
  let span = spans.find((span) => above(span)?.name === 'ReportsService.build');
  for (; span; span = above(span)) {
    path.push(`${span.instrumentationScope.name.split('/').at(-1)}: ${span.name}`);
  }
  return path;
}
