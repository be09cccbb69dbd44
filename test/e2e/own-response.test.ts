import { Readable } from 'node:stream';
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Next, Param, Res } from '@nestjs/common';
import { Cancelable, CancelationToken, CancelToken, currentToken } from 'nestjs-cancelable';
import { deferred, turn } from '../support/deferred.js';
import { adapters, startHttpApp } from '../support/http-app.js';
import { answerOf, get, OpenAnswer, send } from '../support/http-client.js';

interface Reply {
  readonly raw?: ServerResponse;
  hijack?(): void;
  send(value: unknown): unknown;
}

/** The response that Node knows; with Fastify, its own handling of it is switched off. */
function takeOver(reply: Reply): ServerResponse {
  reply.hijack?.();
  return reply.raw ?? (reply as unknown as ServerResponse);
}

function createHandlers() {
  const entered = deferred<CancelationToken>();
  const sent = deferred();
  const gate = deferred();
  const source = new Readable({ read() {} });

  @Controller()
  class OwnController {
    @Get('piped')
    @Cancelable()
    piped(@Res() reply: Reply, @CancelToken() token: CancelationToken): Promise<void> {
      source.pipe(takeOver(reply));
      entered.resolve(token);
      return Promise.resolve();
    }

    @Get('brief/:how')
    @Cancelable(200)
    async brief(@Res() reply: Reply, @Param('how') how: string): Promise<void> {
      const response = takeOver(reply);
      if (how === 'begun') response.write('begun');
      source.pipe(response);
    }

    @Get('later')
    @Cancelable(200)
    async later(@Res() reply: Reply): Promise<void> {
      void gate.promise.then(() => {
        reply.send({ too: 'late' });
        sent.resolve();
      });
    }

    @Get('undecorated')
    undecorated(@Res() reply: Reply): void {
      source.pipe(takeOver(reply));
      void gate.promise.then(() => entered.resolve(currentToken()));
    }

    @Get('ignores')
    @Cancelable({ onDisconnect: 'ignore' })
    ignores(@Res() reply: Reply, @CancelToken() token: CancelationToken): Promise<void> {
      source.pipe(takeOver(reply));
      entered.resolve(token);
      return Promise.resolve();
    }

    @Get('at-once')
    @Cancelable()
    async atOnce(@Res() reply: Reply): Promise<void> {
      reply.send({ sent: true });
    }

    @Get('passed-on')
    @Cancelable()
    async passedOn(@Res() reply: Reply, @Next() _next: unknown): Promise<void> {
      void gate.promise.then(() => reply.send({ sent: true }));
    }
  }
  return { entered, sent, gate, source, controllers: [OwnController] };
}

describe.each(adapters)('a handler that sends its response itself, over %s', (adapter) => {
  const start = async (cancelable = {}) => {
    const handlers = createHandlers();
    return { ...(await startHttpApp(adapter, { ...handlers, cancelable })), ...handlers };
  };

  it('is an operation until its response has ended', async () => {
    const { url, source, registry, entered } = await start();
    const request = send(`${url}/piped`);
    await entered.promise;
    await turn();
    expect(registry.list()).toMatchObject([{ name: 'GET /piped', status: 'running' }]);
    source.push('all of it');
    source.push(null);
    expect(await answerOf(request)).toMatchObject({ status: 200, text: 'all of it', isCut: false });
    await registry.whenIdle();
    expect(registry.history()).toMatchObject([{ name: 'GET /piped', status: 'completed' }]);
  });

  it.each(['at-once', 'passed-on'])('%s: ends with what it has sent', async (path) => {
    const { url, registry, gate } = await start();
    gate.resolve();
    expect((await get(`${url}/${path}`)).json()).toEqual({ sent: true });
    await registry.whenIdle();
    expect(registry.history()).toMatchObject([{ name: `GET /${path}`, status: 'completed' }]);
  });

  it('is told that its client has left after it has returned', async () => {
    const { url, entered, registry, next } = await start();
    const canceled = next('canceled');
    const request = send(`${url}/piped`);
    const token = await entered.promise;
    await turn();
    request.destroy();
    expect(await canceled).toMatchObject({ reason: 'disconnect' });
    expect(token.isCanceled).toBe(true);
    await registry.whenIdle();
    expect(registry.history()).toMatchObject([{ status: 'canceled', reason: 'disconnect' }]);
  });

  it("onDisconnect: 'ignore' is obeyed, and the operation ends with the response", async () => {
    const { url, entered, registry } = await start();
    const request = send(`${url}/ignores`);
    const token = await entered.promise;
    request.destroy();
    await registry.whenIdle();
    expect(token.isCanceled).toBe(false);
    expect(registry.history()).toMatchObject([{ status: 'completed' }]);
  });

  it('is answered 504 when its time is up and nothing is sent', async () => {
    const { url, registry, source } = await start();
    const answer = await get(`${url}/brief/silent`);
    expect(answer.status).toBe(504);
    expect(answer.json()).toMatchObject({ code: 'OPERATION_TIMEOUT' });
    source.push('dropped');
    await registry.whenIdle();
    await turn();
    expect(registry.history()).toMatchObject([{ status: 'canceled', reason: 'timeout' }]);
  });

  it('is cut when its time is up in the middle', async () => {
    const { url, registry } = await start();
    const answer = await OpenAnswer.of(send(`${url}/brief/begun`));
    await answer.until('begun');
    expect(await answer.end()).toEqual({ isCut: true });
    await registry.whenIdle();
    expect(registry.history()).toMatchObject([{ status: 'canceled', reason: 'timeout' }]);
  });

  it('what it sends after it was answered for is dropped', async () => {
    const { url, gate, sent } = await start();
    expect(await get(`${url}/later`)).toMatchObject({ status: 504 });
    gate.resolve();
    await sent.promise;
    await turn();
  });

  it('the default timeout counts until headers are sent', async () => {
    const { url, source } = await start({ defaultTimeout: 200 });
    expect(await get(`${url}/piped`)).toMatchObject({ status: 504 });
    source.push('begun');
  });

  it('undecorated, it has an operation for what it begins later', async () => {
    const { url, entered, gate, next } = await start();
    const started = next('started');
    const canceled = next('canceled');
    const request = send(`${url}/undecorated`);
    gate.resolve();
    await started;
    const token = await entered.promise;
    expect(token).not.toBe(CancelationToken.none);
    request.destroy();
    expect(await canceled).toMatchObject({ name: 'GET /undecorated', reason: 'disconnect' });
  });
});
