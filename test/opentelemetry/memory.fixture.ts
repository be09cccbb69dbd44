import { setTimeout as wait } from 'node:timers/promises';
import { NodeTracerProvider, type SpanProcessor } from '@opentelemetry/sdk-trace-node';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Cancelable, CancelableModule, OperationRegistry } from 'nestjs-cancelable';
import { opentelemetry } from 'nestjs-cancelable/opentelemetry';

/**
 * Which spans are still in memory, although the history remembers their operations, and which have
 * ended.
 */
const begun: WeakRef<object>[] = [];
const ended: unknown[] = [];
const processor: SpanProcessor = {
  onStart: (span) => void begun.push(new WeakRef(span)),
  onEnd: ({ name, attributes }) =>
    void ended.push([name, attributes['cancelable.unconsumed'] === true]),
  forceFlush: async () => {},
  shutdown: async () => {},
};
new NodeTracerProvider({ spanProcessors: [processor] }).register();

@Injectable()
class Feeds {
  @Cancelable()
  lines(): AsyncIterable<number> {
    return { [Symbol.asyncIterator]: async function* () {} };
  }
}

@Module({
  imports: [CancelableModule.forRoot({ extensions: [opentelemetry()] })],
  providers: [Feeds],
})
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
const registry = app.get(OperationRegistry);
for (let index = 0; index < 20; index++) await registry.run('report', async () => {});
for await (const _ of app.get(Feeds).lines());
app.get(Feeds).lines();
for (let round = 0; round < 200 && begun.some((span) => span.deref() !== undefined); round++) {
  await wait(1);
  globalThis.gc?.();
}
console.log(
  JSON.stringify({
    history: registry.history().length,
    begun: begun.length,
    last: ended.at(-1),
    kept: begun.filter((span) => span.deref() !== undefined).length,
  }),
);
await app.close();
