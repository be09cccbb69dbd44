import 'reflect-metadata';
import type Http from 'node:http';
import { createRequire } from 'node:module';
import { NestInstrumentation } from '@opentelemetry/instrumentation-nestjs-core';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node';

/**
 * An application as it is instrumented in production, in a process of its own, since modules are
 * patched as they are loaded. Prints the spans of its requests.
 */
const exporter = new InMemorySpanExporter();
new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
const nest = new NestInstrumentation();
registerInstrumentations({ instrumentations: [new HttpInstrumentation(), nest] });
createRequire(import.meta.url)('http');

// It does not patch Nest 12 by itself, which is of ES modules, yet what it patches is the same.
for (const { name, patch } of nest.init().files) patch(await import(name), '12');

const { Controller, Get, Injectable, Module } = await import('@nestjs/common');
const { NestFactory } = await import('@nestjs/core');
const { ExpressAdapter } = await import('@nestjs/platform-express');
const { FastifyAdapter } = await import('@nestjs/platform-fastify');
const { Cancelable, CancelableModule, OperationRegistry } = await import('nestjs-cancelable');
const { opentelemetry } = await import('nestjs-cancelable/opentelemetry');

const elsewhere = process.argv[3] as string;

@Injectable()
class Reports {
  @Cancelable()
  async render(): Promise<string> {
    const response = await new Promise<number | undefined>((resolve, reject) => {
      const request = http.get(elsewhere, (answer) => {
        answer.resume();
        answer.on('end', () => resolve(answer.statusCode));
      });
      request.on('error', reject);
    });
    return `rendered ${response}`;
  }
}

const http = createRequire(import.meta.url)('http') as typeof Http;

@Controller('reports')
class ReportsController {
  constructor(private readonly reports: Reports) {}

  @Get('decorated')
  @Cancelable('10s')
  decorated(): Promise<string> {
    return this.reports.render();
  }

  @Get('plain')
  plain(): Promise<string> {
    return this.reports.render();
  }

  @Get('slow')
  @Cancelable('20ms')
  async slow(): Promise<void> {
    await new Promise(() => {});
  }
}
Reflect.defineMetadata('design:paramtypes', [Reports], ReportsController);

@Module({
  imports: [
    CancelableModule.forRoot({
      extensions: [opentelemetry()],
      defaultTimeout: '30s',
      shutdown: { grace: 1, cleanup: 1 },
    }),
  ],
  controllers: [ReportsController],
  providers: [Reports],
})
class AppModule {}

const adapter = process.argv[2] === 'Express' ? new ExpressAdapter() : new FastifyAdapter();
const app = await NestFactory.create(AppModule, adapter as never, {
  logger: false,
  forceCloseConnections: true,
});
await app.listen(0, '127.0.0.1');
const url = await app.getUrl();
const answers: unknown[] = [];
for (const path of ['decorated', 'plain', 'slow']) {
  const answer = await fetch(`${url}/reports/${path}`);
  answers.push([answer.status, await answer.text()]);
}
await app.get(OperationRegistry).whenIdle({ name: 'Reports.render' });
await app.close();

const spans = exporter.getFinishedSpans().map((span) => ({
  name: span.name,
  scope: span.instrumentationScope.name,
  id: span.spanContext().spanId,
  parent: span.parentSpanContext?.spanId,
  status: span.status.code,
  route: span.attributes['url.path'] ?? span.attributes['http.target'],
}));
console.log(JSON.stringify({ answers, spans }));
process.exit(0);
