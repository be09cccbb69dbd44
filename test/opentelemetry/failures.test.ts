import { context, metrics, trace } from '@opentelemetry/api';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { NodeTracerProvider, type SpanProcessor } from '@opentelemetry/sdk-trace-node';
import { describe, expect, it } from '@jest/globals';
import { Controller, Get } from '@nestjs/common';
import { Cancelable } from 'nestjs-cancelable';
import { opentelemetry } from 'nestjs-cancelable/opentelemetry';
import { startContext } from '../support/app-context.js';
import { closeAfterTest } from '../support/close-after-test.js';
import { rejection, turn } from '../support/deferred.js';
import { startHttpApp } from '../support/http-app.js';
import { registerTracer } from '../support/open-telemetry.js';

const start = () => startContext({}, { extensions: [opentelemetry()] });

function fail(): never {
  throw new Error('the exporter is broken');
}

/** Registers a tracer whose processor fails, until the end of the test. */
function registerProcessor(failing: Partial<SpanProcessor>): void {
  const processor: SpanProcessor = {
    onStart: () => {},
    onEnd: () => {},
    forceFlush: async () => {},
    shutdown: async () => {},
    ...failing,
  };
  new NodeTracerProvider({ spanProcessors: [processor] }).register();
  closeAfterTest(() => {
    trace.disable();
    context.disable();
  });
}

describe('a tracer that fails', () => {
  it.each<[string, Partial<SpanProcessor>]>([
    ['begins', { onStart: fail }],
    ['ends', { onEnd: fail }],
  ])('when a span %s changes no operation, and is logged once', async (_, failing) => {
    registerProcessor(failing);
    const { registry, log } = await start();
    expect(await registry.run('first', async () => 'done')).toBe('done');
    expect(await registry.run('second', async () => turn().then(() => 'done'))).toBe('done');
    const late = registry.run('third', (operation) => operation.sleep('1h'));
    registry.cancelAll({ name: 'third' });
    expect(await rejection(late)).toMatchObject({ reason: 'manual' });
    await registry.whenIdle();
    expect(registry.statistics().byStatus).toMatchObject({ running: 0, completed: 2, canceled: 1 });
    expect(log.find('error', 'the exporter is broken')).toHaveLength(1);
  });

  it('because of the error of an operation changes nothing, and the span ends', async () => {
    const spans = registerTracer();
    @Controller()
    class Pages {
      @Get('odd')
      @Cancelable()
      async odd(): Promise<void> {
        throw Object.assign(new Error('odd'), { getStatus: fail });
      }
    }
    const { url, registry } = await startHttpApp('Express', {
      controllers: [Pages],
      cancelable: { extensions: [opentelemetry()] },
    });
    expect((await fetch(`${url}/odd`)).status).toBe(500);
    await registry.whenIdle();
    expect(spans().map(({ name }) => name)).toEqual(['GET /odd']);
  });
});

describe('a meter that fails', () => {
  it('changes no operation, and is logged once', async () => {
    const provider = new MeterProvider({
      views: [{ instrumentName: 'cancelable.*', attributesProcessors: [{ process: fail }] }],
    });
    metrics.setGlobalMeterProvider(provider);
    closeAfterTest(() => metrics.disable());
    const { registry, log } = await start();
    for (const name of ['first', 'second']) {
      expect(await registry.run(name, async () => 'done')).toBe('done');
    }
    const late = registry.run('third', (operation) => operation.sleep('1h'));
    registry.cancelAll({ name: 'third' });
    expect(await rejection(late)).toMatchObject({ reason: 'manual' });
    await registry.whenIdle();
    expect(log.find('error', 'the exporter is broken')).toHaveLength(1);
  });
});
