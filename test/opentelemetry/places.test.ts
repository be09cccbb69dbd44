import {
  context,
  diag,
  DiagLogLevel,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { NodeTracerProvider, type ReadableSpan } from '@opentelemetry/sdk-trace-node';
import { describe, expect, it } from '@jest/globals';
import { Controller, HttpException, Injectable } from '@nestjs/common';
import { MessagePattern, Transport } from '@nestjs/microservices';
import { Cancelable, currentOperation } from 'nestjs-cancelable';
import { opentelemetry } from 'nestjs-cancelable/opentelemetry';
import { firstValueFrom } from 'rxjs';
import type { OperationState } from '../../lib/operation/operation-state.js';
import { currentScope } from '../../lib/scope/context.js';
import { connectClient, startService } from '../rpc/support.js';
import { startContext } from '../support/app-context.js';
import { closeAfterTest } from '../support/close-after-test.js';
import { deferred, rejection, turn } from '../support/deferred.js';
import { freePort } from '../support/servers.js';
import { inSpan, pathFrom, registerTracer } from '../support/open-telemetry.js';

const start = () => startContext({}, { extensions: [opentelemetry()] });

/** A result that the type of the method does not tell of: its body runs before somebody consumes it. */
@Injectable()
class Feeds {
  @Cancelable()
  lines(): AsyncIterable<string> {
    mark('opened');
    return {
      async *[Symbol.asyncIterator]() {
        yield currentOperation().name;
      },
    };
  }
}

const startFeeds = async () => {
  const { app, ...rest } = await startContext(
    { providers: [Feeds] },
    { extensions: [opentelemetry()] },
  );
  return { app, ...rest, feeds: app.get(Feeds) };
};

const mark = (name: string) => void inSpan(name, async () => {});

function pathOf(spans: readonly ReadableSpan[], name: string): string {
  return pathFrom(
    spans,
    spans.find((each) => each.name === name),
  );
}

describe('the span of an operation is active', () => {
  it('in attempts, spawned and detached work, and what these begin', async () => {
    const spans = registerTracer();
    const { registry } = await start();
    await inSpan('server', () =>
      registry.run('work', async (operation) => {
        await operation.wrap(async function attempt() {
          await inSpan('in attempt', turn);
        })();
        await registry.spawn('spawned', () => inSpan('in spawned', turn)).result;
        await registry.run({ name: 'detached', detached: true }, () =>
          registry.run('child', () => inSpan('in child', turn)),
        );
      }),
    );
    expect(pathOf(spans(), 'in attempt')).toBe('in attempt < attempt < work < server');
    expect(pathOf(spans(), 'in spawned')).toBe('in spawned < spawned < work < server');
    expect(pathOf(spans(), 'in child')).toBe('in child < child < detached < work < server');
  });

  it('in the parts of a handle, wherever they run', async () => {
    const spans = registerTracer();
    const { registry } = await start();
    const handle = registry.start('handle');
    await inSpan('elsewhere', () => handle.run(() => inSpan('part', turn)));
    await handle.complete();
    expect(pathOf(spans(), 'part')).toBe('part < handle');
  });

  it('in attempts, shields and cleanups, although somebody else calls', async () => {
    const spans = registerTracer();
    const { registry } = await start();
    const handle = registry.start('handle');
    const { operation } = handle;
    operation.defer(() => inSpan('cleanup', turn));
    const attempt = operation.wrap(async function attempt() {
      await inSpan('in attempt', turn);
    });
    await inSpan('elsewhere', async () => {
      await attempt();
      await operation.shield(() => inSpan('shielded', turn));
      await handle.complete();
    });
    expect(pathOf(spans(), 'in attempt')).toBe('in attempt < attempt < handle');
    expect(pathOf(spans(), 'shielded')).toBe('shielded < handle');
    expect(pathOf(spans(), 'cleanup')).toBe('cleanup < handle');
  });

  it('where a span of the user is not: that stays the active one', async () => {
    const spans = registerTracer();
    const { registry } = await start();
    await registry.run('work', (operation) =>
      inSpan('mine', () => operation.shield(() => inSpan('shielded', turn))),
    );
    expect(pathOf(spans(), 'shielded')).toBe('shielded < mine < work');
  });

  it('although another application has closed meanwhile', async () => {
    const spans = registerTracer();
    const first = await start();
    const second = await start();
    const handle = first.registry.start('handle');
    await second.app.close();
    await handle.run(() => inSpan('part', turn));
    await handle.complete();
    expect(pathOf(spans(), 'part')).toBe('part < handle');
  });

  it('below the next one that is not ignored, however many are', async () => {
    const spans = registerTracer();
    const { registry } = await startContext(
      {},
      { extensions: [opentelemetry({ ignore: ({ name }) => name.startsWith('quiet') })] },
    );
    await registry.run('work', () =>
      registry.run('quiet', async () => {
        await registry.run('quiet as well', async (operation) => {
          const attempt = operation.wrap(async function attempt() {});
          await context.with(ROOT_CONTEXT, () => attempt());
        });
      }),
    );
    expect(pathOf(spans(), 'attempt')).toBe('attempt < work');
  });

  it('in callbacks of its options, and listeners of its signal', async () => {
    const spans = registerTracer();
    const { registry } = await start();
    const on = {
      start: () => mark('start'),
      cancel: () => mark('cancel'),
      settled: () => mark('settled'),
    };
    const result = registry.run({ name: 'work', on }, async (operation) => {
      operation.signal.addEventListener('abort', () => mark('aborted'));
      await operation.sleep('1h');
    });
    await turn();
    await inSpan('canceler', async () => registry.cancelAll({}));
    await rejection(result);
    for (const name of Object.keys(on)) expect(pathOf(spans(), name)).toBe(`${name} < work`);
    expect(pathOf(spans(), 'aborted')).toBe('aborted < work');
  });

  it('in the handlers of messages', async () => {
    @Controller()
    class Reports {
      @MessagePattern('report')
      @Cancelable('10s')
      async build(): Promise<string> {
        return inSpan('body', async () => currentOperation().kind);
      }

      @MessagePattern('missing')
      @Cancelable('10s')
      async missing(): Promise<void> {
        throw new HttpException('not here', 404);
      }
    }
    const spans = registerTracer();
    const options = { host: '127.0.0.1', port: await freePort() };
    const { registry } = await startService(
      { transport: Transport.TCP, options },
      { controllers: [Reports] },
      { extensions: [opentelemetry()] },
    );
    const client = await connectClient({ transport: Transport.TCP, options });
    expect(await firstValueFrom(client.send('report', {}))).toBe('rpc');
    await rejection(firstValueFrom(client.send('missing', {})));
    await registry.whenIdle();
    expect(pathOf(spans(), 'body')).toMatch(/^body < [^<]*report[^<]*$/);
    // Only over HTTP is that the fault of the client.
    const missing = spans().find(({ name }) => name.includes('missing'));
    expect(missing?.attributes['error.type']).toBe('HttpException');
  });
});

describe('the span of an operation', () => {
  it('shows its name and kind to a sampler, and has no id made if that wants nothing', async () => {
    const asked: unknown[] = [];
    const provider = new NodeTracerProvider({
      sampler: {
        shouldSample: (_, __, name, kind, attributes) => {
          asked.push([name, kind, attributes]);
          return { decision: 0 };
        },
      },
    });
    provider.register();
    closeAfterTest(() => {
      trace.disable();
      context.disable();
    });
    const { registry } = await start();
    await registry.run('report', () => {
      expect((currentScope() as OperationState).hasId).toBe(false);
    });
    expect(asked).toEqual([
      [
        'report',
        SpanKind.INTERNAL,
        { 'cancelable.operation.name': 'report', 'cancelable.operation.kind': 'task' },
      ],
    ]);
  });

  it('says what was at the bottom of a cancel, however deep it is', async () => {
    const spans = registerTracer();
    const { registry } = await start();
    const result = registry.run({ name: 'top', timeout: 200 }, () =>
      registry.run('middle', () => registry.run('bottom', (operation) => operation.sleep('1h'))),
    );
    await rejection(result);
    await registry.whenIdle();
    const bottom = spans().find(({ name }) => name === 'bottom');
    expect(bottom?.events[0]?.attributes).toMatchObject({
      'cancelable.reason': 'parent',
      'cancelable.root_cause.reason': 'timeout',
      'cancelable.root_cause.operation.name': 'top',
    });
    expect(bottom?.status.code).toBe(SpanStatusCode.UNSET);
    const top = spans().find(({ name }) => name === 'top');
    expect(top?.status.message).toBe(top?.events[0]?.attributes?.['cancelable.message']);
    expect(top?.status.message).toMatch(/timed out/);
  });

  it('says who asked for a cancel: of the operation itself, if not of that above it', async () => {
    const spans = registerTracer();
    const { registry } = await start();
    const result = registry.run('work', async (operation) => operation.sleep('1h'));
    registry.cancelAll({ name: 'work' }, { requestedBy: 'ann' });
    await rejection(result);
    await registry.whenIdle();
    expect(spans()[0]?.events[0]?.attributes).toMatchObject({
      'cancelable.requested_by': 'ann',
      'cancelable.root_cause.reason': 'manual',
    });
  });

  it('says who asked for the cancel that was the cause of its own', async () => {
    const spans = registerTracer();
    const { registry } = await start();
    const sleeping = (name: string) =>
      registry.run(name, async (operation) => operation.sleep('1h'));
    const [asked, work] = [sleeping('asked'), sleeping('work')];
    registry.cancelAll({ name: 'asked' }, { requestedBy: 'ann' });
    registry.cancelAll({ name: 'work' }, { cause: await rejection(asked) });
    await rejection(work);
    await registry.whenIdle();
    const span = spans().find(({ name }) => name === 'work');
    expect(span?.events[0]?.attributes).toMatchObject({ 'cancelable.requested_by': 'ann' });
  });

  it('says that the operation overran its deadline', async () => {
    const spans = registerTracer();
    const { registry } = await start();
    await registry.run({ name: 'busy', timeout: 5 }, () => {
      const end = performance.now() + 20;
      while (performance.now() < end);
    });
    expect(spans()[0]?.attributes).toMatchObject({
      'cancelable.overran': true,
      'cancelable.operation.status': 'completed',
    });
  });

  it('tells of what is thrown that is no error', async () => {
    const spans = registerTracer();
    const { registry } = await start();

    for (const thrown of ['no paper', 42]) {
      await rejection(registry.run('odd', () => Promise.reject(thrown)));
      expect(spans().at(-1)).toMatchObject({
        attributes: { 'error.type': '_OTHER' },
        status: { message: String(thrown) },
        events: [{ attributes: { 'exception.message': String(thrown) } }],
      });
    }
  });

  it('ends once, with its application', async () => {
    const spans = registerTracer();
    const said: string[] = [];
    diag.setLogger(
      {
        error: (text) => said.push(text),
        warn: (text) => said.push(text),
        info: () => {},
        debug: () => {},
        verbose: () => {},
      },
      { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
    );
    closeAfterTest(() => diag.disable());
    const first = await start();
    const second = await start();
    const gate = deferred();
    const late = second.registry.run({ name: 'late', onShutdown: 'ignore' }, () => gate.promise);
    await first.app.close();
    expect(spans()).toEqual([]);
    await second.app.close();
    expect(spans().map(({ name }) => name)).toEqual(['late']);
    gate.resolve();
    await late;
    expect(spans()).toHaveLength(1);
    expect(said).toEqual([]);
  });

  it('begins no more once its application has closed, or the tracer is taken back', async () => {
    const spans = registerTracer();
    const asked: string[] = [];
    const ignore = ({ name }: { readonly name: string }) => asked.push(name) < 0;
    const [first, second] = [
      await startContext({}, { extensions: [opentelemetry({ ignore })] }),
      await startContext({}, { extensions: [opentelemetry({ ignore })] }),
    ];
    await first.app.close();
    await first.registry.run('after the close', () => {});
    await second.registry.run('traced', () => {});
    trace.disable();
    // It is looked for now and then: until there is none, and nobody is asked any more.
    for (let before = -1; before < asked.length; await turn()) {
      before = asked.length;
      await second.registry.run('later', () => {});
    }
    expect(spans()[0]?.name).toBe('traced');
    expect(asked).not.toContain('after the close');
  });

  it('that nobody consumes ends with its application, when its body had returned', async () => {
    const spans = registerTracer();
    const { app, registry, feeds } = await startFeeds();
    feeds.lines();
    const returned = Date.now();
    while (Date.now() === returned) await turn();
    expect(spans().map(({ name }) => name)).toEqual(['opened']);
    await app.close();
    const [, span] = spans();
    expect(pathOf(spans(), 'opened')).toBe('opened < Feeds.lines');
    expect(span?.attributes).toMatchObject({ 'cancelable.unconsumed': true });
    expect(span?.attributes).not.toHaveProperty('cancelable.operation.status');
    const [seconds, nanoseconds] = span!.endTime;
    expect(seconds * 1e3 + nanoseconds / 1e6).toBeLessThanOrEqual(returned);
    expect(registry.statistics().live).toBe(0);
  });

  it('that somebody consumes late is one, to the end', async () => {
    const spans = registerTracer();
    const { app, feeds } = await startFeeds();
    const lines = feeds.lines();
    await turn();
    for await (const line of lines) await inSpan(line, turn);
    await app.close();
    expect(spans().map(({ name }) => name)).toEqual(['opened', 'Feeds.lines', 'Feeds.lines']);
    const [, , span] = spans();
    expect(span?.attributes).toMatchObject({ 'cancelable.operation.status': 'completed' });
    expect(span?.attributes).not.toHaveProperty('cancelable.unconsumed');
  });

  it('is there for each application that begins after another has closed', async () => {
    const spans = registerTracer();
    for (let round = 1; round <= 2; round++) {
      const { app, registry } = await start();
      await registry.run('work', () => inSpan('leaf', turn));
      await app.close();
      expect(spans()).toHaveLength(2 * round);
    }
    const parents = spans().filter(({ name }) => name === 'leaf');
    expect(parents.every(({ parentSpanContext }) => parentSpanContext !== undefined)).toBe(true);
  });
});
