import { setTimeout as wait } from 'node:timers/promises';
import { NodeTracerProvider, type SpanProcessor } from '@opentelemetry/sdk-trace-node';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CancelableModule, OperationRegistry } from 'nestjs-cancelable';
import { opentelemetry } from 'nestjs-cancelable/opentelemetry';

/** Which spans are still in memory, although the history remembers their operations. */
const begun: WeakRef<object>[] = [];
const processor: SpanProcessor = {
  onStart: (span) => void begun.push(new WeakRef(span)),
  onEnd: () => {},
  forceFlush: async () => {},
  shutdown: async () => {},
};
new NodeTracerProvider({ spanProcessors: [processor] }).register();

@Module({ imports: [CancelableModule.forRoot({ extensions: [opentelemetry()] })] })
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
const registry = app.get(OperationRegistry);
for (let index = 0; index < 20; index++) await registry.run('report', async () => {});
for (let round = 0; round < 20 && begun.some((span) => span.deref() !== undefined); round++) {
  await wait(1);
  globalThis.gc?.();
}
console.log(
  JSON.stringify({
    history: registry.history().length,
    begun: begun.length,
    kept: begun.filter((span) => span.deref() !== undefined).length,
  }),
);
await app.close();
