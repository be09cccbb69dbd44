import { describe, expect, it } from '@jest/globals';
import { Controller, Get, type NestInterceptor, type Type } from '@nestjs/common';
import { NotCancelable } from 'nestjs-cancelable';
import { deferred } from '../support/deferred.js';
import { adapters, startHttpApp } from '../support/http-app.js';
import { get, send } from '../support/http-client.js';
import { PastedPage } from '../support/pasted-page.js';
import { startRecipe } from './support.js';

describe.each(adapters)('the recipe for the TimeoutInterceptor, on %s', (adapter) => {
  it('answers 408 and stops the work', async () => {
    const { url, registry } = await startRecipe(adapter, 'timeout-interceptor');
    const answer = await get(`${url}/reports/Paris`);
    expect(answer.status).toBe(408);
    expect(answer.json()).toEqual({
      statusCode: 408,
      message: 'The operation timed out',
      code: 'OPERATION_TIMEOUT',
    });
    await registry.whenIdle();
    expect(registry.history({ name: 'reports.build' })).toMatchObject([
      { status: 'canceled', reason: 'parent' },
    ]);
  });

  it('leaves a longer timeout to its route', async () => {
    const { url, registry, next } = await startRecipe(adapter, 'timeout-interceptor');
    const started = next('started', 'reports.build');
    const request = send(`${url}/reports/Paris/slowly`);
    await started;
    const [operation] = registry.list({ name: 'reports.build' });
    expect(operation?.token.remaining()).toBeGreaterThan(10_000);
    const settled = next('settled', 'reports.build');
    request.destroy();
    expect(await settled).toMatchObject({ status: 'canceled', reason: 'parent' });
  });

  it('the interceptor answers alone, and the work goes on', async () => {
    const page = await PastedPage.of('docs/recipes/timeout-interceptor.md');
    const { TimeoutInterceptor } = await page.import<{
      TimeoutInterceptor: Type<NestInterceptor>;
    }>('timeout.interceptor.ts');
    const [source, written] = [deferred(), deferred<string>()];
    @Controller()
    class ReportsController {
      @Get('reports')
      @NotCancelable() // as without the library
      async build() {
        await source.promise;
        written.resolve('for nobody');
      }
    }
    const { url } = await startHttpApp(adapter, {
      controllers: [ReportsController],
      configure: (app) => app.useGlobalInterceptors(new TimeoutInterceptor()),
    });
    expect((await get(`${url}/reports`)).status).toBe(408);
    source.resolve();
    expect(await written.promise).toBe('for nobody');
  });
});
