import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from 'node:http2';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type CanActivate, Controller, Get, Param, Post, Sse, UseGuards } from '@nestjs/common';
import { Cancelable, CancelationToken, CancelToken } from 'nestjs-cancelable';
import { map, timer } from 'rxjs';
import { deferred, turn } from '../support/deferred.js';
import { startHttpApp } from '../support/http-app.js';
import { localhost } from '../support/tls.js';

const sessions: ClientHttp2Session[] = [];

afterEach(() => {
  for (const session of sessions.splice(0)) session.destroy();
});

function open(url: string): ClientHttp2Session {
  const session = connect(url, { rejectUnauthorized: false });
  session.on('error', () => {});
  sessions.push(session);
  return session;
}

function send(
  session: ClientHttp2Session,
  path: string,
  body?: string,
  method = body === undefined ? 'GET' : 'POST',
): ClientHttp2Stream {
  const stream = session.request({
    ':path': path,
    ':method': method,
    ...(body === undefined ? undefined : { 'content-type': 'application/json' }),
  });
  stream.on('error', () => {});
  stream.end(body);
  return stream;
}

async function answerOf(stream: ClientHttp2Stream): Promise<{ status: unknown; text: string }> {
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders];
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  await once(stream, 'end');
  return { status: headers[':status'], text };
}

function createWaiting() {
  const gates = new Map<string, () => void>();
  @Controller()
  class WaitingController {
    @Get('wait/:id')
    @Cancelable()
    async wait(@Param('id') id: string) {
      const gate = deferred();
      gates.set(id, gate.resolve);
      await gate.promise;
      return { id };
    }

    @Post('read')
    @Cancelable('1h')
    async read(@CancelToken() token: CancelationToken) {
      // The request's own `close` comes in one of these turns: its body has been read.
      for (let count = 0; count < 5; count++) await turn();
      return { isCanceled: token.isCanceled };
    }

    @Get('late')
    @Cancelable(200)
    late() {
      return new Promise(() => {});
    }

    @Sse('ticks')
    @Cancelable()
    ticks() {
      return timer(0, 1).pipe(map((data) => ({ data: { data } })));
    }
  }
  return { gates, controllers: [WaitingController] };
}

describe.each([
  ['clear text', {}],
  ['TLS', { https: localhost }],
])('HTTP/2 over %s, on Fastify', (_name, transport) => {
  it('cancels the request whose stream was reset, and no other', async () => {
    const { gates, controllers } = createWaiting();
    const { url, collect, next, registry } = await startHttpApp('Fastify', {
      controllers,
      http2: true,
      ...transport,
    });
    const session = open(url);
    const started = collect('started', 2);
    const canceled = next('canceled');
    const lost = send(session, '/wait/lost');
    const kept = send(session, '/wait/kept');
    const answer = answerOf(kept);
    await started;

    lost.close(constants.NGHTTP2_CANCEL);

    expect(await canceled).toMatchObject({ name: 'GET /wait/:id', reason: 'disconnect' });
    for (const open of gates.values()) open();
    expect(await answer).toEqual({ status: 200, text: '{"id":"kept"}' });
    await registry.whenIdle();
    expect(registry.history().map(({ status }) => status)).toEqual(['canceled', 'completed']);
  });

  it('cancels every request of a lost session', async () => {
    const { controllers } = createWaiting();
    const { url, collect } = await startHttpApp('Fastify', {
      controllers,
      http2: true,
      ...transport,
    });
    const session = open(url);
    const started = collect('started', 3);
    const canceled = collect('canceled', 3);
    for (const id of ['a', 'b', 'c']) send(session, `/wait/${id}`);
    await started;

    session.destroy();

    expect((await canceled).map(({ reason }) => reason)).toEqual(Array(3).fill('disconnect'));
  });

  it('does not take the end of a body for the end of the client', async () => {
    const { controllers } = createWaiting();
    const { url, registry } = await startHttpApp('Fastify', {
      controllers,
      http2: true,
      ...transport,
    });

    expect(await answerOf(send(open(url), '/read', '{"some":"body"}'))).toEqual({
      status: 201,
      text: '{"isCanceled":false}',
    });
    expect(registry.history()).toMatchObject([{ status: 'completed', name: 'POST /read' }]);
  });

  it('answers a timeout', async () => {
    const { controllers } = createWaiting();
    const { url } = await startHttpApp('Fastify', { controllers, http2: true, ...transport });

    const { status, text } = await answerOf(send(open(url), '/late'));

    expect(status).toBe(504);
    expect(JSON.parse(text)).toMatchObject({ code: 'OPERATION_TIMEOUT' });
  });

  it('stops server-sent events when the stream is reset', async () => {
    const { controllers } = createWaiting();
    const { url, next } = await startHttpApp('Fastify', {
      controllers,
      http2: true,
      ...transport,
    });
    const settled = next('settled');
    const stream = send(open(url), '/ticks');
    await once(stream, 'data');

    stream.close(constants.NGHTTP2_CANCEL);

    expect(await settled).toMatchObject({ status: 'canceled', reason: 'disconnect' });
  });
});

describe('HTTP/2, on Fastify', () => {
  it('does not run a handler whose stream was reset during its guards', async () => {
    const arrived = deferred();
    const gate = deferred();
    let ran = false;
    class SlowGuard implements CanActivate {
      async canActivate() {
        arrived.resolve();
        await gate.promise;
        return true;
      }
    }
    @Controller()
    class GuardedController {
      @Get('guarded')
      @UseGuards(SlowGuard)
      @Cancelable()
      async guarded() {
        ran = true;
      }
    }
    const { url, app, next } = await startHttpApp('Fastify', {
      controllers: [GuardedController],
      http2: true,
    });
    const closed = new Promise((resolve) => {
      app.getHttpServer().on('stream', (stream: ClientHttp2Stream) => stream.on('close', resolve));
    });
    const settled = next('settled');
    const stream = send(open(url), '/guarded');
    await arrived.promise;
    stream.close(constants.NGHTTP2_CANCEL);
    await closed;

    gate.resolve();

    expect(await settled).toMatchObject({ status: 'canceled', reason: 'disconnect' });
    expect(ran).toBe(false);
  });

  it('sends no headers that HTTP/2 forbids when the server shuts down', async () => {
    const { controllers } = createWaiting();
    const { url, next, registry } = await startHttpApp('Fastify', { controllers, http2: true });
    const started = next('started');
    const stream = send(open(url), '/wait/1');
    const headers = once(stream, 'response') as Promise<[IncomingHttpHeaders]>;
    await started;

    registry.cancelAll({}, { reason: 'shutdown' });

    const [{ ':status': status, 'retry-after': retryAfter, connection }] = await headers;
    expect([status, retryAfter, connection]).toEqual([503, '10', undefined]);
  });
});
