import type { ServerResponse } from 'node:http';
import { trace, context, SpanStatusCode } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-node';
import { describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Injectable,
  InternalServerErrorException,
  NotFoundException,
} from '@nestjs/common';
import { bind, Cancelable, currentOperation, OperationRegistry } from 'nestjs-cancelable';
import { opentelemetry, type OpenTelemetryOptions } from 'nestjs-cancelable/opentelemetry';
import { lastValueFrom, Observable, toArray } from 'rxjs';
import { contextCarrier } from '../../lib/scope/context-carrier.js';
import { startContext } from '../support/app-context.js';
import { deferred, rejection, turn } from '../support/deferred.js';
import { adapters, startHttpApp } from '../support/http-app.js';
import { runFixture } from '../support/fixture.js';
import { inSpan, pathFrom, registerTracer } from '../support/open-telemetry.js';

@Injectable()
class Reports {
  @Cancelable()
  async build(): Promise<string> {
    await turn();
    await inSpan('own', async () => turn());
    await this.render();
    return 'built';
  }

  @Cancelable()
  async render(): Promise<void> {
    await turn();
    await inSpan('draw', async () => turn());
  }

  @Cancelable()
  async nested(): Promise<void> {
    await inSpan('around', async () => this.render());
  }

  @Cancelable()
  async *rows(): AsyncGenerator<number> {
    await inSpan('first', async () => turn());
    yield 1;
    await inSpan('second', async () => turn());
    yield 2;
  }

  @Cancelable()
  ticks(): Observable<number> {
    return new Observable((subscriber) => {
      void inSpan('tick', async () => subscriber.next(1)).then(() => subscriber.complete());
    });
  }

  @Cancelable()
  async fail(): Promise<void> {
    throw new RangeError('no paper');
  }
}

function start(options?: OpenTelemetryOptions) {
  return startContext({ providers: [Reports] }, { extensions: [opentelemetry(options)] });
}

function named(spans: readonly ReadableSpan[], name: string): ReadableSpan {
  const [span, ...more] = spans.filter((each) => each.name === name);
  if (span === undefined || more.length > 0) throw new Error(`${more.length} more of ${name}`);
  return span;
}

function pathOf(spans: readonly ReadableSpan[], name: string): string {
  return pathFrom(spans, named(spans, name));
}

describe('the span of an operation', () => {
  it('is below the one that was active, above those of its children and of its body', async () => {
    const spans = registerTracer();
    const { app } = await start();
    await inSpan('server', () => app.get(Reports).build());

    expect(pathOf(spans(), 'draw')).toBe('draw < Reports.render < Reports.build < server');
    expect(pathOf(spans(), 'own')).toBe('own < Reports.build < server');
    expect(new Set(spans().map((span) => span.spanContext().traceId)).size).toBe(1);
  });

  it('is below a span that its caller has opened in the operation above', async () => {
    const spans = registerTracer();
    const { app } = await start();
    await app.get(Reports).nested();
    expect(pathOf(spans(), 'draw')).toBe('draw < Reports.render < around < Reports.nested');
  });

  it('is below the operation above it, although it is begun in the span of another', async () => {
    const spans = registerTracer();
    const { app, registry } = await start();
    await registry.run('mine', async () => {
      const render = bind(() => app.get(Reports).render());
      await registry.run({ name: 'foreign', detached: true }, () => render());
    });
    expect(pathOf(spans(), 'draw')).toBe('draw < Reports.render < mine');
  });

  it('is active in generators and Observables, whoever consumes them', async () => {
    const spans = registerTracer();
    const { app } = await start();
    const rows = app.get(Reports).rows();
    await inSpan('consumer', () => rows.next());
    for await (const _ of rows);
    expect(await lastValueFrom(app.get(Reports).ticks().pipe(toArray()))).toEqual([1]);

    expect(pathOf(spans(), 'first')).toBe('first < Reports.rows < consumer');
    expect(pathOf(spans(), 'second')).toBe('second < Reports.rows < consumer');
    expect(pathOf(spans(), 'tick')).toBe('tick < Reports.ticks');
  });

  it('is active in shields, cleanups and listeners of the cancel', async () => {
    const spans = registerTracer();
    const { registry } = await start();
    const seen = deferred();
    const result = registry.run({ name: 'work', settle: 'wait' }, async (operation) => {
      operation.defer(() => inSpan('cleanup', async () => {}));
      operation.onCancel(() => void inSpan('listener', async () => seen.resolve()));
      await operation.shield(() => inSpan('shielded', async () => {}));
      await operation.sleep('1h');
    });
    await turn();
    await inSpan('canceler', async () => registry.cancelAll({}));
    await rejection(result);
    await seen.promise;
    for (const name of ['cleanup', 'listener', 'shielded']) {
      expect(pathOf(spans(), name)).toBe(`${name} < work`);
    }
  });

  it('has the facts of the operation', async () => {
    const spans = registerTracer();
    const { registry } = await start();
    const operation = registry.spawn({ name: 'import', tags: ['nightly'] }, async () => 'done');
    await operation.result;
    const { attributes, status, events, instrumentationScope } = named(spans(), 'import');
    expect(attributes).toEqual({
      'cancelable.operation.id': operation.id,
      'cancelable.operation.name': 'import',
      'cancelable.operation.kind': 'task',
      'cancelable.operation.status': 'completed',
      'cancelable.operation.tags': ['nightly'],
    });
    expect(status.code).toBe(SpanStatusCode.UNSET);
    expect(events).toEqual([]);
    expect(instrumentationScope.name).toBe('nestjs-cancelable');
  });

  it('tells of a cancel, who asked for it and what was at the bottom of it, and is no error', async () => {
    const spans = registerTracer();
    const { registry } = await start();
    const result = registry.run('outer', () =>
      registry.run('inner', (operation) => operation.sleep('1h')),
    );
    await turn();
    registry.cancelAll({ name: 'outer' }, { message: 'enough', requestedBy: 'ann' });
    await rejection(result);
    await registry.whenIdle();

    const inner = named(spans(), 'inner');
    expect(inner.events.map(({ name, attributes }) => ({ name, attributes }))).toEqual([
      {
        name: 'cancelable.cancel',
        attributes: {
          'cancelable.reason': 'parent',
          'cancelable.message': 'parent outer was canceled',
          'cancelable.requested_by': 'ann',
          'cancelable.root_cause': 'enough',
          'cancelable.root_cause.reason': 'manual',
          'cancelable.root_cause.operation.name': 'outer',
        },
      },
    ]);
    expect(inner.attributes).toMatchObject({
      'cancelable.reason': 'parent',
      'cancelable.operation.status': 'canceled',
    });
    expect(inner.status.code).toBe(SpanStatusCode.UNSET);
    expect(named(spans(), 'outer').events[0]!.attributes).toMatchObject({
      'cancelable.reason': 'manual',
      'cancelable.root_cause': 'enough',
    });
  });

  it('is in error after a timeout', async () => {
    const spans = registerTracer();
    const { registry } = await start();
    await rejection(
      registry.run({ name: 'slow', timeout: 1 }, (operation) => operation.sleep('1h')),
    );
    await registry.whenIdle();
    const { status, attributes } = named(spans(), 'slow');
    expect(status.code).toBe(SpanStatusCode.ERROR);
    expect(attributes['error.type']).toBe('timeout');
  });

  it('has the exception of a failure', async () => {
    const spans = registerTracer();
    const { app } = await start();
    await rejection(app.get(Reports).fail());
    const { status, attributes, events } = named(spans(), 'Reports.fail');
    expect(status).toEqual({ code: SpanStatusCode.ERROR, message: 'RangeError: no paper' });
    expect(attributes['error.type']).toBe('RangeError');
    expect(events[0]).toMatchObject({
      name: 'exception',
      attributes: { 'exception.type': 'RangeError', 'exception.message': 'no paper' },
    });
  });

  it('tells of a zombie, and ends with it', async () => {
    const spans = registerTracer();
    const { registry } = await startContext(
      {},
      { extensions: [opentelemetry()], zombies: { after: 1 } },
    );
    const gate = deferred();
    const zombie = new Promise<void>((resolve) => {
      registry.events$.subscribe(({ type }) => type === 'zombie' && resolve());
    });
    const result = registry.run('stuck', () => gate.promise);
    registry.cancelAll({});
    await rejection(result);
    await zombie;
    expect(spans()).toEqual([]);
    gate.resolve();
    await registry.whenIdle();
    const { events, attributes } = named(spans(), 'stuck');
    expect(events.map(({ name }) => name)).toEqual(['cancelable.cancel', 'cancelable.zombie']);
    expect(attributes).toMatchObject({ 'cancelable.zombie': true, 'cancelable.returned': true });
  });
});

describe.each(adapters)('over HTTP, on %s', (adapter) => {
  @Controller()
  class Pages {
    constructor(private readonly reports: Reports) {}

    @Get('plain')
    async plain(): Promise<string> {
      const { name } = currentOperation();
      return inSpan('plain body', async () => name);
    }

    @Get('decorated')
    @Cancelable('10s')
    async decorated(): Promise<string> {
      return inSpan('decorated body', async () => currentOperation().name);
    }

    @Get('asking')
    async asking(): Promise<void> {
      await inSpan('asking body', async () => currentOperation().checkpoint());
      await this.reports.render();
    }

    @Get('named')
    @Cancelable({ id: 'my report' })
    async named(): Promise<string> {
      return 'named';
    }

    @Get('broken')
    @Cancelable('10s')
    async broken(): Promise<string> {
      throw new InternalServerErrorException('no paper');
    }

    @Get('missing')
    @Cancelable('10s')
    async missing(): Promise<string> {
      throw new NotFoundException();
    }
  }

  /** Each request is in a span of the server. @returns the spans, once all requests have ended */
  async function request(paths: readonly string[], defaultTimeout?: string) {
    const spans = registerTracer();
    const { url, registry } = await startHttpApp(adapter, {
      controllers: [Pages],
      providers: [Reports],
      cancelable: { extensions: [opentelemetry()], ...(defaultTimeout && { defaultTimeout }) },
      configure: (app) =>
        app.use((_: unknown, response: ServerResponse, next: () => void) =>
          trace.getTracer('test').startActiveSpan('server', (span) => {
            response.on('close', () => span.end());
            next();
          }),
        ),
    });
    for (const path of paths) await (await fetch(`${url}/${path}`)).text();
    await registry.whenIdle();
    while (spans().filter(({ name }) => name === 'server').length < paths.length) await turn();
    return spans();
  }

  it('is active in handlers, decorated or not', async () => {
    const spans = await request(['plain', 'asking', 'decorated', 'missing', 'broken'], '30s');
    expect(pathOf(spans, 'plain body')).toBe('plain body < GET /plain < server');
    expect(pathOf(spans, 'asking body')).toBe('asking body < GET /asking < server');
    expect(pathOf(spans, 'decorated body')).toBe('decorated body < GET /decorated < server');
    // What a client does wrong is recorded, and is no error of the server.
    const missing = named(spans, 'GET /missing');
    expect(missing.events[0]!.name).toBe('exception');
    expect(missing.status.code).toBe(SpanStatusCode.UNSET);
    expect(named(spans, 'GET /broken').status).toEqual({
      code: SpanStatusCode.ERROR,
      message: 'InternalServerErrorException: no paper',
    });
  });

  it('is below that of the server, although a handler asks for its operation elsewhere', async () => {
    const spans = await request(['asking']);
    expect(pathOf(spans, 'asking body')).toBe('asking body < server');
    expect(pathOf(spans, 'draw')).toBe('draw < Reports.render < GET /asking < server');
  });

  it('has the id that its handler gives it', async () => {
    const span = named(await request(['named']), 'GET /named');
    expect(span.attributes['cancelable.operation.id']).toBe('my report');
  });
});

describe('opentelemetry()', () => {
  it('makes nothing until an SDK is registered, and notices that within a while', async () => {
    const { app } = await start();
    await app.get(Reports).render();
    expect(contextCarrier).toEqual({ enter: undefined, capture: undefined });
    const spans = registerTracer();
    while (!spans().some(({ name }) => name === 'Reports.render')) await app.get(Reports).render();
    expect(
      spans()
        .slice(-2)
        .map(({ name }) => name),
    ).toEqual(['draw', 'Reports.render']);
  });

  it('leaves out what it ignores: its children are below what is above it', async () => {
    const spans = registerTracer();
    const { app } = await start({ ignore: ({ name }) => name === 'Reports.build' });
    await inSpan('server', () => app.get(Reports).build());
    expect(pathOf(spans(), 'draw')).toBe('draw < Reports.render < server');
    expect(spans().map(({ name }) => name)).not.toContain('Reports.build');
  });

  it('tells of operations that ignore() cannot judge, and logs why', async () => {
    const spans = registerTracer();
    const { app, log } = await start({
      ignore: () => {
        throw new Error('no idea');
      },
    });
    await app.get(Reports).render();
    expect(pathOf(spans(), 'draw')).toBe('draw < Reports.render');
    await app.get(Reports).render();
    expect(log.find('error', 'opentelemetry(): ignore')).toHaveLength(1);
  });

  it('makes no spans where they are switched off', async () => {
    const spans = registerTracer();
    const { app } = await start({ spans: false });
    await app.get(Reports).render();
    expect(spans().map(({ name }) => name)).toEqual(['draw']);
  });

  it('is taken back with its application, and with no other', async () => {
    const spans = registerTracer();
    const first = await start();
    const second = await start();
    const gate = deferred();
    second.registry.spawn({ name: 'straggler', onShutdown: 'ignore' }, () => gate.promise);
    await second.app.close();
    expect(named(spans(), 'straggler').attributes['cancelable.operation.status']).toBe('running');
    await first.app.get(Reports).render();
    expect(pathOf(spans(), 'draw')).toBe('draw < Reports.render');
    await first.app.close();
    expect(contextCarrier).toEqual({ enter: undefined, capture: undefined });
    gate.resolve();
  });

  it('changes no context outside of operations', async () => {
    registerTracer();
    const { app } = await start();
    const before = context.active();
    await app.get(Reports).render();
    expect(context.active()).toBe(before);
    expect(await new OperationRegistry().run('foreign', () => trace.getActiveSpan())).toBe(
      undefined,
    );
  });

  it.each<[unknown, string]>([
    [{ spans: 1 }, 'spans'],
    [{ metrics: 'yes' }, 'metrics'],
    [{ ignore: 'GET /health' }, 'ignore'],
    [{ span: true }, 'span'],
  ])('refuses %p', (options, what) => {
    expect(() => opentelemetry(options as OpenTelemetryOptions)).toThrow(what);
  });
});

describe('without @opentelemetry/api', () => {
  it('the start says what to install', async () => {
    const fixture = new URL('no-opentelemetry.fixture.ts', import.meta.url);
    expect(await runFixture(fixture)).toEqual({
      message:
        'opentelemetry() needs the package @opentelemetry/api: npm install @opentelemetry/api',
    });
  });
});
