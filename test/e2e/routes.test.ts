import { describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Injectable,
  Param,
  Post,
  Req,
  RequestMethod,
  Scope,
  Version,
  VersioningType,
} from '@nestjs/common';
import {
  Cancelable,
  type CancelableModuleOptions,
  CancelationToken,
  CancelToken,
  CurrentOperation,
  currentOperation,
  Operation,
  tryCurrentOperation,
} from 'nestjs-cancelable';
import { deferred, rejection } from '../support/deferred.js';
import { adapters, startHttpApp } from '../support/http-app.js';
import { get, post, send } from '../support/http-client.js';

describe.each(adapters)('operation names, over %s', (adapter) => {
  @Controller({ path: 'cities' })
  class CitiesController {
    @Get(':city/reports')
    @Cancelable()
    async reports() {
      return { name: currentOperation().name };
    }

    @Post()
    @Cancelable({ name: 'create a city' })
    async create() {
      return { name: currentOperation().name };
    }

    @Get('new')
    @Version('2')
    async undecorated() {
      return { name: currentOperation().name };
    }
  }
  const controllers = [CitiesController];
  const nameOf = async (url: string) => ((await get(url)).json() as { name: string }).name;

  it('are the method and the route', async () => {
    const { url } = await startHttpApp(adapter, { controllers });

    expect(await nameOf(`${url}/cities/paris/reports?x=1`)).toBe('GET /cities/:city/reports');
    expect((await post(`${url}/cities`, {})).json()).toEqual({ name: 'create a city' });
  });

  it('carry the global prefix and the version', async () => {
    const { url } = await startHttpApp(adapter, {
      controllers,
      configure: (app) => {
        app.setGlobalPrefix('api', {
          exclude: [{ path: 'cities/:city/reports', method: RequestMethod.GET }],
        });
        app.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' });
      },
    });

    expect(await nameOf(`${url}/v1/cities/paris/reports`)).toBe('GET /v1/cities/:city/reports');
    expect(await nameOf(`${url}/api/v2/cities/new`)).toBe('GET /api/v2/cities/new');
  });

  it('are one per route, whatever the parameters', async () => {
    const { url, registry } = await startHttpApp(adapter, { controllers });

    for (const city of ['paris', 'rome', 'oslo']) await get(`${url}/cities/${city}/reports`);

    expect(Object.keys(registry.statistics().byName)).toEqual(['GET /cities/:city/reports']);
  });
});

describe.each(adapters)('work below a request, over %s', (adapter) => {
  function createLinked() {
    const entered = deferred();
    const error = deferred<unknown>();

    @Injectable()
    class ReportsService {
      @Cancelable({ name: 'reports.render' })
      async render(@CancelToken() token?: CancelationToken) {
        entered.resolve();
        error.resolve(await rejection((token as CancelationToken).sleep('1h')));
        (token as CancelationToken).throwIfCanceled();
      }
    }

    @Controller()
    class ReportsController {
      constructor(private readonly reports: ReportsService) {}

      @Get('undecorated')
      undecorated() {
        return this.reports.render();
      }

      @Get('token')
      async token(@CancelToken() token: CancelationToken) {
        entered.resolve();
        error.resolve(await rejection(token.sleep('1h')));
      }

      @Get('operation')
      async operation(@CurrentOperation() operation: Operation) {
        entered.resolve();
        error.resolve(await rejection(operation.sleep('1h')));
      }
    }
    return { entered, error, controllers: [ReportsController], providers: [ReportsService] };
  }

  it('a method called from an undecorated handler stops with the request', async () => {
    const { entered, error, ...parts } = createLinked();
    const { url, registry } = await startHttpApp(adapter, parts);
    const request = send(`${url}/undecorated`);
    await entered.promise;
    expect(registry.tree()).toMatchObject([
      { name: 'GET /undecorated', kind: 'http', children: [{ name: 'reports.render' }] },
    ]);

    request.destroy();

    expect(await error.promise).toMatchObject({
      reason: 'parent',
      operationName: 'reports.render',
      cause: { reason: 'disconnect', operationName: 'GET /undecorated' },
    });
    await registry.whenIdle();
    expect(registry.history().map(({ name, reason }) => [name, reason])).toEqual(
      expect.arrayContaining([
        ['reports.render', 'parent'],
        ['GET /undecorated', 'disconnect'],
      ]),
    );
  });

  it.each(['token', 'operation'])('a %s on an undecorated handler is linked', async (path) => {
    const { entered, error, ...parts } = createLinked();
    const { url } = await startHttpApp(adapter, parts);
    const request = send(`${url}/${path}`);
    await entered.promise;

    request.destroy();

    expect(await error.promise).toMatchObject({ reason: 'disconnect' });
  });

  it('a request that needs no operation has none', async () => {
    @Controller()
    class PlainController {
      @Get('plain')
      async plain() {
        return { plain: true };
      }
    }
    const { url, registry } = await startHttpApp(adapter, { controllers: [PlainController] });

    await get(`${url}/plain`);

    expect(registry.history()).toEqual([]);
    expect(tryCurrentOperation()).toBeUndefined();
  });

  it.each<[string, CancelableModuleOptions]>([
    ['defaultTimeout', { defaultTimeout: '10s' }],
    ['request', { request: () => undefined }],
    ['idHeader', { http: { idHeader: 'X-Operation-Id' } }],
  ])(
    'a request that needs no operation has one from the start with %s',
    async (_option, cancelable) => {
      @Controller()
      class PlainController {
        @Get('plain')
        async plain() {
          return { plain: true };
        }
      }
      const { url, registry } = await startHttpApp(adapter, {
        controllers: [PlainController],
        cancelable,
      });

      await get(`${url}/plain`);

      expect(registry.history()).toMatchObject([{ name: 'GET /plain', status: 'completed' }]);
    },
  );

  it('request-scoped controllers and providers are wrapped like any other', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class RequestService {
      readonly instance = Math.random();

      @Cancelable({ metadata: { from: 'service' } })
      async work(operation = currentOperation()) {
        return { parent: operation.parent?.name, name: operation.name, instance: this.instance };
      }
    }
    @Controller({ scope: Scope.REQUEST })
    class RequestController {
      constructor(private readonly service: RequestService) {}

      @Get('scoped/:id')
      @Cancelable({ metadata: (id: string) => ({ id }) })
      async scoped(@Param('id') _id: string, @Req() _request: unknown) {
        return this.service.work();
      }
    }
    const { url, registry } = await startHttpApp(adapter, {
      controllers: [RequestController],
      providers: [RequestService],
    });

    const first = (await get(`${url}/scoped/1`)).json() as { instance: number };
    const second = (await get(`${url}/scoped/2`)).json() as { instance: number };

    expect(first).toMatchObject({ parent: 'GET /scoped/:id', name: 'RequestService.work' });
    expect(first.instance).not.toBe(second.instance);
    expect(registry.history({ kind: 'http' })).toMatchObject([
      { metadata: { id: '1' } },
      { metadata: { id: '2' } },
    ]);
    expect(registry.history({ kind: 'method' })).toMatchObject([
      { metadata: { id: '1', from: 'service' } },
      { metadata: { id: '2', from: 'service' } },
    ]);
  });

  it('a request-scoped handler stops when its client leaves', async () => {
    @Controller({ scope: Scope.REQUEST })
    class RequestController {
      @Get('scoped')
      @Cancelable()
      scoped(@CancelToken() token: CancelationToken) {
        return token.sleep('1h');
      }
    }
    const { url, next } = await startHttpApp(adapter, { controllers: [RequestController] });
    const started = next('started');
    const settled = next('settled');
    const request = send(`${url}/scoped`);
    await started;
    request.destroy();

    expect(await settled).toMatchObject({ reason: 'disconnect', name: 'GET /scoped' });
  });
});
