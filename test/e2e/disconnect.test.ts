import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Param, Post, Req } from '@nestjs/common';
import {
  Cancelable,
  type CancelationError,
  CancelationToken,
  CancelToken,
  currentOperation,
} from 'nestjs-cancelable';
import { deferred, rejection } from '../support/deferred.js';
import { adapters, type HttpApp, startHttpApp } from '../support/http-app.js';
import { answerOf, get, keepAliveAgent, post, RawClient, send } from '../support/http-client.js';

const rawOf = (request: any): IncomingMessage => request.raw ?? request;

/** A route that waits until its operation is canceled, or a test lets it go. */
function createWaiting() {
  const gate = deferred<string>();
  const errors: CancelationError[] = [];

  @Controller()
  class WaitingController {
    @Get('wait/:id')
    @Cancelable()
    async wait(@Param('id') id: string, @CancelToken() token: CancelationToken) {
      token.onCancel((error) => errors.push(error));
      return { id, value: await gate.promise };
    }

    @Get('quick')
    @Cancelable()
    async quick() {
      return { id: currentOperation().id };
    }

    @Post('wait')
    @Cancelable()
    async read(@Req() request: unknown, @CancelToken() token: CancelationToken) {
      const raw = rawOf(request);
      if (!raw.closed) await once(raw, 'close');
      const afterClose = token.isCanceled;
      return { afterClose, value: await gate.promise };
    }
  }
  return { gate, errors, WaitingController };
}

describe.each(adapters)('a client that leaves, over %s', (adapter) => {
  it('cancels the GET handler that works for it', async () => {
    const { gate, errors, WaitingController } = createWaiting();
    const { url, next, registry } = await startHttpApp(adapter, {
      controllers: [WaitingController],
    });
    const started = next('started');
    const canceled = next('canceled');
    const request = send(`${url}/wait/7`);
    await started;

    request.destroy();

    expect(await canceled).toMatchObject({
      name: 'GET /wait/:id',
      kind: 'http',
      status: 'canceling',
      reason: 'disconnect',
    });
    expect(errors).toMatchObject([{ reason: 'disconnect', name: 'AbortError' }]);
    gate.resolve('too late');
    await registry.whenIdle();
    expect(registry.history()).toMatchObject([{ status: 'canceled', returned: true }]);
  });

  it('cancels within one turn of the socket event', async () => {
    const { WaitingController } = createWaiting();
    const { url, next, registry, sockets } = await startHttpApp(adapter, {
      controllers: [WaitingController],
    });
    const started = next('started');
    const request = send(`${url}/wait/7`);
    await started;
    const statuses = new Promise((resolve) => {
      sockets[0]!.prependOnceListener('close', () =>
        setImmediate(() => resolve(registry.list().map((operation) => operation.status))),
      );
    });

    request.destroy();

    expect(await statuses).toEqual(['canceling']);
  });

  it('does not take the end of a body for the end of the client', async () => {
    const { gate, WaitingController } = createWaiting();
    const { url, next, registry } = await startHttpApp(adapter, {
      controllers: [WaitingController],
    });
    const started = next('started');
    const answer = post(`${url}/wait`, { some: 'body' });
    await started;
    gate.resolve('done');

    expect((await answer).json()).toEqual({ afterClose: false, value: 'done' });
    expect(registry.history()).toMatchObject([{ name: 'POST /wait', status: 'completed' }]);
  });

  it('cancels a POST whose body was read', async () => {
    const { WaitingController } = createWaiting();
    const { url, next } = await startHttpApp(adapter, { controllers: [WaitingController] });
    const started = next('started');
    const canceled = next('canceled');
    const request = send(`${url}/wait`, { method: 'POST', body: '{"some":"body"}' });
    await started;

    request.destroy();

    expect(await canceled).toMatchObject({ name: 'POST /wait', reason: 'disconnect' });
  });

  it('cancels an upload that is cut half-way', async () => {
    const firstBytes = deferred<string>();
    const readError = deferred<unknown>();
    @Controller()
    class UploadController {
      @Post('upload')
      @Cancelable()
      async upload(@Req() request: unknown, @CancelToken() token: CancelationToken) {
        const raw = rawOf(request);
        raw.once('data', (chunk: Buffer) => firstBytes.resolve(chunk.toString()));
        await token.race(once(raw, 'end')).catch((error: unknown) => {
          readError.resolve(error);
          throw error;
        });
      }
    }
    const { port, next, registry } = await startHttpApp(adapter, {
      controllers: [UploadController],
      configure: acceptBytes,
    });
    const settled = next('settled');
    const client = await RawClient.connect(port);
    client.write(uploadHead('application/octet-stream', 1_000));
    client.write('half of it');
    expect(await firstBytes.promise).toBe('half of it');

    client.leave();

    expect(await settled).toMatchObject({ name: 'POST /upload', status: 'canceled' });
    expect(await readError.promise).toBeDefined();
    expect(registry.history()).toMatchObject([{ reason: 'disconnect' }]);
  });

  it('never begins an operation for a body that did not arrive', async () => {
    const { WaitingController } = createWaiting();
    const { app, port, url, registry, clientLeft } = await startHttpApp(adapter, {
      controllers: [WaitingController],
    });
    const arrived = once(app.getHttpServer(), 'request');
    const client = await RawClient.connect(port);
    client.write(`${uploadHead('application/json', 1_000, '/wait')}{"half":`);
    await arrived;
    client.leave();
    await clientLeft();
    await get(`${url}/quick`);

    expect(registry.history().map(({ name }) => name)).toEqual(['GET /quick']);
    expect(registry.list()).toEqual([]);
  });

  it('leaves the finished requests of a reused connection alone', async () => {
    const { WaitingController } = createWaiting();
    const { url, next, registry, sockets } = await startHttpApp(adapter, {
      controllers: [WaitingController],
    });
    const agent = keepAliveAgent();
    for (let count = 0; count < 20; count++) await get(`${url}/quick`, { agent });
    const listeners = sockets[0]!.listenerCount('close');
    const started = next('started');
    const canceled = next('canceled');
    const last = send(`${url}/wait/last`, { agent });
    await started;
    expect(sockets).toHaveLength(1);
    expect(listeners).toBeLessThan(10);

    last.destroy();

    expect(await canceled).toMatchObject({ name: 'GET /wait/:id', reason: 'disconnect' });
    expect(registry.history().map(({ status }) => status)).toEqual(Array(20).fill('completed'));
    agent.destroy();
  });

  it('cancels a HEAD request', async () => {
    const { WaitingController } = createWaiting();
    const { url, next } = await startHttpApp(adapter, { controllers: [WaitingController] });
    const started = next('started');
    const canceled = next('canceled');
    const request = send(`${url}/wait/7`, { method: 'HEAD' });
    await started;

    request.destroy();

    expect(await canceled).toMatchObject({ name: 'HEAD /wait/:id', reason: 'disconnect' });
  });

  it('says nothing of requests that were answered before the client left', async () => {
    const { gate, errors, WaitingController } = createWaiting();
    const { url, registry, clientLeft } = await startHttpApp(adapter, {
      controllers: [WaitingController],
    });
    gate.resolve('now');
    const request = send(`${url}/wait/7`);
    const answer = await answerOf(request);
    request.destroy();
    await clientLeft();

    expect(answer.json()).toEqual({ id: '7', value: 'now' });
    expect(errors).toEqual([]);
    expect(registry.history()).toMatchObject([{ status: 'completed', name: 'GET /wait/:id' }]);
  });

  it('releases the handler that waits for its token', async () => {
    const error = deferred<unknown>();
    @Controller()
    class SleepingController {
      @Get('sleep')
      @Cancelable()
      async sleep(@CancelToken() token: CancelationToken) {
        error.resolve(await rejection(token.sleep('1h')));
        token.throwIfCanceled();
      }
    }
    const { url, next } = await startHttpApp(adapter, { controllers: [SleepingController] });
    const started = next('started');
    const settled = next('settled');
    const request = send(`${url}/sleep`);
    await started;
    request.destroy();

    expect(await error.promise).toMatchObject({
      reason: 'disconnect',
      operationName: 'GET /sleep',
    });
    expect(await settled).toMatchObject({ status: 'canceled' });
  });
});

function uploadHead(type: string, length: number, path = '/upload'): string {
  return `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\nContent-Length: ${length}\r\n\r\n`;
}

/** Fastify refuses bodies of types it does not know. */
function acceptBytes(app: HttpApp['app']): void {
  const instance: any = app.getHttpAdapter().getInstance();
  instance.addContentTypeParser?.(
    'application/octet-stream',
    (_request: unknown, payload: unknown, done: (error: null, body: unknown) => void) =>
      done(null, payload),
  );
}
