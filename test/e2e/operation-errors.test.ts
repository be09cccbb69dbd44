import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Param, Sse } from '@nestjs/common';
import { Cancelable, OperationRefused, OperationRegistry } from 'nestjs-cancelable';
import { deferred } from '../support/deferred.js';
import { adapters, startHttpApp } from '../support/http-app.js';
import { get, send } from '../support/http-client.js';

const gates: (() => void)[] = [];

@Controller()
class ErrorsController {
  constructor(private readonly operations: OperationRegistry) {}

  @Get('unique/:id')
  @Cancelable({ id: (id: string) => `unique-${id}` })
  async unique(@Param('id') id: string) {
    const gate = deferred();
    gates.push(gate.resolve);
    await gate.promise;
    return { id };
  }

  @Get('limited')
  @Cancelable()
  async limited() {
    const gate = deferred();
    gates.push(gate.resolve);
    await gate.promise;
    return { limited: true };
  }

  @Get('undecorated')
  async undecorated() {
    return { served: true };
  }

  @Get('watch/:id')
  watchOnce(@Param('id') id: string) {
    return this.operations.watch(id);
  }

  @Sse('events/:id')
  watch(@Param('id') id: string) {
    return this.operations.watch(id);
  }

  @Get('refused')
  refused() {
    throw new OperationRefused('closed for today');
  }
}

const controllers = [ErrorsController];

describe.each(adapters)('errors that are not cancelations, over %s', (adapter) => {
  it('OperationConflict: 409, and the first goes on', async () => {
    const { url, registry } = await startHttpApp(adapter, { controllers });
    const first = get(`${url}/unique/7`);
    while (registry.get('unique-7') === undefined) await new Promise(setImmediate);

    const second = await get(`${url}/unique/7`);

    expect(second.status).toBe(409);
    expect(second.json()).toEqual({
      statusCode: 409,
      message: 'The operation is already running',
      code: 'OPERATION_CONFLICT',
    });
    gates.splice(0).forEach((open) => open());
    expect((await first).json()).toEqual({ id: '7' });
  });

  it('OperationConflict of an id that the request option gives', async () => {
    const { url, next } = await startHttpApp(adapter, {
      controllers,
      cancelable: {
        request: (context) => ({
          id: context.switchToHttp().getRequest<{ headers: any }>().headers['x-id'] as string,
        }),
      },
    });
    const started = next('started');
    const headers = { 'x-id': 'given' };
    const first = get(`${url}/limited`, { headers });
    expect((await started).id).toBe('given');

    const second = await get(`${url}/undecorated`, { headers });

    expect(second).toMatchObject({ status: 409 });
    expect(second.json()).toMatchObject({ code: 'OPERATION_CONFLICT' });
    while (gates.length === 0) await new Promise(setImmediate);
    gates.splice(0).forEach((open) => open());
    expect((await first).json()).toEqual({ limited: true });
  });

  it('OperationLimit: 503, for what needs an operation', async () => {
    const { url, next, registry } = await startHttpApp(adapter, {
      controllers,
      cancelable: { maxLive: 1 },
    });
    const started = next('started');
    const first = send(`${url}/limited`);
    await started;

    const second = await get(`${url}/limited`);

    expect(second.status).toBe(503);
    expect(second.json()).toEqual({
      statusCode: 503,
      message: 'The server is busy',
      code: 'OPERATION_LIMIT',
    });
    expect((await get(`${url}/undecorated`)).json()).toEqual({ served: true });
    expect(registry.statistics().refused).toBe(1);
    first.destroy();
  });

  it.each(['watch', 'events'])('OperationNotFound from %s: 404', async (path) => {
    const { url } = await startHttpApp(adapter, { controllers });

    const answer = await get(`${url}/${path}/unknown`);

    expect(answer.status).toBe(404);
    expect(answer.json()).toEqual({
      statusCode: 404,
      message: 'No such operation',
      code: 'OPERATION_NOT_FOUND',
    });
  });

  it('OperationRefused: 503', async () => {
    const { url } = await startHttpApp(adapter, { controllers });

    const answer = await get(`${url}/refused`);

    expect(answer.status).toBe(503);
    expect(answer.json()).toEqual({
      statusCode: 503,
      message: 'The server is shutting down',
      code: 'OPERATION_REFUSED',
    });
  });
});
