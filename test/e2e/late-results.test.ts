import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Res } from '@nestjs/common';
import { Cancelable } from 'nestjs-cancelable';
import { type Deferred, deferred, turn } from '../support/deferred.js';
import { adapters, startHttpApp } from '../support/http-app.js';
import { get, send } from '../support/http-client.js';

/** Handlers that look at nothing, and go on until a test lets them. */
function createStubborn() {
  const body: Deferred<unknown> = deferred<unknown>();
  @Controller()
  class StubbornController {
    @Get('timeout')
    @Cancelable(200)
    timeout() {
      return body.promise;
    }

    @Get('wait')
    @Cancelable({ settle: 'wait', timeout: 200 })
    wait() {
      return body.promise;
    }

    @Get('client')
    @Cancelable()
    client() {
      return body.promise;
    }
  }
  return { body, controllers: [StubbornController] };
}

describe.each(adapters)('a handler that ignores its token, over %s', (adapter) => {
  it('is answered for at once, and its late value dropped', async () => {
    const { body, controllers } = createStubborn();
    const { url, registry, log } = await startHttpApp(adapter, { controllers });

    expect(await get(`${url}/timeout`)).toMatchObject({ status: 504 });
    expect(registry.list()).toMatchObject([{ status: 'canceling' }]);
    body.resolve({ late: true });
    await registry.whenIdle();

    expect(registry.history()).toMatchObject([{ status: 'canceled', returned: true }]);
    expect(log.find('debug', 'returned a value after it was canceled')).toHaveLength(1);
    expect([...log.find('warn'), ...log.find('error')]).toEqual([]);
  });

  it('logs its late error at debug, and it is never unhandled', async () => {
    const { body, controllers } = createStubborn();
    const { url, registry, log } = await startHttpApp(adapter, { controllers });

    expect(await get(`${url}/timeout`)).toMatchObject({ status: 504 });
    body.reject(new RangeError('too late'));
    await registry.whenIdle();
    await turn();

    expect(log.find('debug', 'RangeError: too late')).toHaveLength(1);
    expect([...log.find('warn'), ...log.find('error')]).toEqual([]);
    expect(registry.history()).toMatchObject([{ status: 'canceled', reason: 'timeout' }]);
  });

  it('the same when the client has left', async () => {
    const { body, controllers } = createStubborn();
    const { url, registry, log, next } = await startHttpApp(adapter, { controllers });
    const started = next('started');
    const canceled = next('canceled');
    const request = send(`${url}/client`);
    await started;
    request.destroy();
    await canceled;
    body.reject(new RangeError('too late'));
    await registry.whenIdle();
    await turn();

    expect(log.find('debug', 'RangeError: too late')).toHaveLength(1);
    expect([...log.find('warn'), ...log.find('error')]).toEqual([]);
  });

  it("settle: 'wait' gives the client what the handler gives", async () => {
    const { body, controllers } = createStubborn();
    const { url, registry, next } = await startHttpApp(adapter, { controllers });
    const canceled = next('canceled');
    const answer = get(`${url}/wait`);
    await canceled;
    body.resolve({ after: 'all' });

    expect(await answer).toMatchObject({ status: 200, text: '{"after":"all"}' });
    expect(registry.history()).toMatchObject([{ status: 'canceled', returned: true }]);
  });

  it("settle: 'wait' gives the client the handler's own error", async () => {
    const { body, controllers } = createStubborn();
    const { url, registry, next } = await startHttpApp(adapter, { controllers });
    const canceled = next('canceled');
    const answer = get(`${url}/wait`);
    await canceled;
    body.reject(new RangeError('its own'));

    expect(await answer).toMatchObject({ status: 500 });
    expect(registry.history()).toMatchObject([{ status: 'failed', error: { name: 'RangeError' } }]);
  });
});

describe.each(adapters)('@Res(), over %s', (adapter) => {
  it('a handler answers by itself', async () => {
    @Controller()
    class ResponseController {
      @Get('own')
      @Cancelable('1h')
      async own(@Res() response: any) {
        response.status(202).send({ own: true });
      }
    }
    const { url, registry } = await startHttpApp(adapter, { controllers: [ResponseController] });

    expect(await get(`${url}/own`)).toMatchObject({ status: 202, text: '{"own":true}' });
    await registry.whenIdle();
    expect(registry.history()).toMatchObject([{ name: 'GET /own', status: 'completed' }]);
  });

  it('a handler that answers after its timeout harms nobody', async () => {
    const gate = deferred();
    const result = deferred<unknown>();
    @Controller()
    class ResponseController {
      @Get('late')
      @Cancelable(200)
      async late(@Res() response: any) {
        await gate.promise;
        try {
          response.send({ late: true });
          result.resolve('sent');
        } catch (error) {
          result.resolve((error as { code?: string }).code);
          throw error;
        }
      }
    }
    const { url, registry, log } = await startHttpApp(adapter, {
      controllers: [ResponseController],
    });

    expect(await get(`${url}/late`)).toMatchObject({ status: 504, isCut: false });
    gate.resolve();
    await registry.whenIdle();
    await turn();

    // Express throws, Fastify warns: in both cases the client has its one answer.
    expect(await result.promise).toBe(adapter === 'Express' ? 'ERR_HTTP_HEADERS_SENT' : 'sent');
    expect(log.find('error')).toEqual([]);
    expect(registry.history()).toMatchObject([{ status: 'canceled', reason: 'timeout' }]);
  });

  it('a handler that waits with its response is canceled when the client leaves', async () => {
    @Controller()
    class ResponseController {
      @Get('never')
      @Cancelable()
      never(@Res() _response: unknown) {
        return new Promise(() => {});
      }
    }
    const { url, next } = await startHttpApp(adapter, { controllers: [ResponseController] });
    const started = next('started');
    const canceled = next('canceled');
    const request = send(`${url}/never`);
    await started;
    request.destroy();

    expect(await canceled).toMatchObject({ reason: 'disconnect' });
  });

  it('passthrough leaves the answer to Nest', async () => {
    @Controller()
    class ResponseController {
      @Get('through')
      @Cancelable('1h')
      async through(@Res({ passthrough: true }) response: any) {
        response.header('x-own', 'yes');
        return { through: true };
      }
    }
    const { url } = await startHttpApp(adapter, { controllers: [ResponseController] });

    const answer = await get(`${url}/through`);
    expect(answer).toMatchObject({ status: 200, text: '{"through":true}' });
    expect(answer.headers['x-own']).toBe('yes');
  });
});
