import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { type CanActivate, Controller, Get, Res, Sse, UseGuards } from '@nestjs/common';
import { Cancelable, currentOperation } from 'nestjs-cancelable';
import { concat, NEVER, of } from 'rxjs';
import { deferred } from '../support/deferred.js';
import { adapters, startHttpApp } from '../support/http-app.js';
import { get, keepAliveAgent, OpenAnswer, send } from '../support/http-client.js';
import { deafWork, drain, NEVER_ENDING, PATIENT, start, startWaiting } from './support.js';

@Controller()
class Quick {
  @Get()
  quick() {
    return 'quick';
  }
}

describe.each(adapters)('The connections of an application that drains, on %s', (adapter) => {
  it('end with an event of their own that send events, and are cut that send other streams', async () => {
    @Controller()
    class Streams {
      @Sse('events')
      events() {
        return concat(of({ data: 'first' }), NEVER);
      }
      @Get('rows')
      @Cancelable()
      async *rows(operation = currentOperation()) {
        yield { row: 1 };
        await operation.sleep(NEVER_ENDING);
      }
    }
    const host = await start(adapter, { grace: '50ms' }, { controllers: [Streams] });
    const events = await OpenAnswer.of(send(`${host.url}/events`));
    await events.until('first');
    const rows = await OpenAnswer.of(send(`${host.url}/rows`));
    await rows.until('row');
    const { closed } = await drain(host);
    expect(await events.end()).toEqual({ isCut: false });
    expect(events.received).toContain('event: canceled');
    expect(events.received).toContain('OPERATION_SHUTDOWN');
    expect(await rows.end()).toEqual({ isCut: true });
    await closed;
  });

  it('are not waited for where they are only kept alive', async () => {
    const host = await start(adapter, PATIENT, { controllers: [Quick] });
    const agent = keepAliveAgent();
    expect((await get(host.url, { agent })).headers['connection']).toBe('keep-alive');
    const silent = connect(host.port, '127.0.0.1');
    await once(silent, 'connect');
    const left = Promise.all([...host.sockets].map((socket) => once(socket, 'close')));
    await host.app.close();
    await left;
    silent.destroy();
    agent.destroy();
  });

  it('stay for a handler that answers by itself within the grace', async () => {
    const entered = deferred();
    @Controller()
    class Late {
      @Get('late')
      late(@Res() response: { send(text: string): void }) {
        entered.resolve();
        // Longer than connections on which nothing is answered may stay.
        setTimeout(() => response.send('late'), 900);
      }
    }
    const host = await start(adapter, PATIENT, { controllers: [Late] });
    const agent = keepAliveAgent();
    const answer = get(`${host.url}/late`, { agent });
    await entered.promise;
    await host.app.close();
    expect(await answer).toMatchObject({
      status: 200,
      text: 'late',
      headers: { connection: 'close' },
    });
    agent.destroy();
  });

  it.each([
    ['the grace is over', '750ms'],
    ['a second signal comes', NEVER_ENDING],
  ])('of a handler that never answers by itself are answered when %s', async (_name, grace) => {
    const entered = deferred();
    @Controller()
    class Never {
      @Get('never')
      never(@Res() _response: unknown) {
        entered.resolve();
      }
    }
    const host = await start(adapter, { grace }, { controllers: [Never] });
    const answer = get(`${host.url}/never`);
    await entered.promise;
    const ignore = () => {};
    process.on('SIGTERM', ignore);
    const { closed } = await drain(host);
    if (grace === NEVER_ENDING) process.emit('SIGTERM');
    await closed;
    expect(await answer).toMatchObject({ status: 503, headers: { 'retry-after': '10' } });
    process.off('SIGTERM', ignore);
  });

  it('are asked to close, whoever answers', async () => {
    class Closed implements CanActivate {
      canActivate() {
        return false;
      }
    }
    @Controller()
    class Routes {
      @Get('guarded')
      @UseGuards(Closed)
      guarded() {}
    }
    const host = await startWaiting(adapter, PATIENT, {
      path: 'undecorated',
      controllers: [Routes],
    });
    const { closed } = await drain(host);
    const agent = keepAliveAgent();
    for (const [path, status] of [
      ['guarded', 403],
      ['nowhere', 404],
    ] as const) {
      const answer = await get(`${host.url}/${path}`, { agent });
      expect(answer).toMatchObject({ status, headers: { connection: 'close' } });
    }
    host.gate.resolve();
    await host.answer;
    await closed;
    agent.destroy();
  });

  it('are refused at once, if asked to', async () => {
    const host = await startWaiting(
      adapter,
      { ...PATIENT, onNewRequests: 'close-listener' },
      { path: 'undecorated' },
    );
    const { closed } = await drain(host);
    const [error] = (await once(connect(host.port, '127.0.0.1'), 'error')) as [{ code: string }];
    expect(error.code).toBe('ECONNREFUSED');
    host.gate.resolve();
    expect((await host.answer).text).toBe('done');
    await closed;
  });

  it('with forceCloseConnections end at once where they stream, and else are waited for', async () => {
    @Controller()
    class Streams {
      @Sse('silent')
      silent() {
        return NEVER;
      }
      @Sse('events')
      events() {
        return concat(of({ data: 'first' }), NEVER);
      }
      @Get('rows')
      async *rows() {
        yield { row: 1 };
        await deafWork();
      }
    }
    const host = await startWaiting(
      adapter,
      { ...PATIENT, cleanup: '20ms' },
      { path: 'undecorated', controllers: [Streams], forceClose: true },
    );
    const silent = await OpenAnswer.of(send(`${host.url}/silent`));
    const events = await OpenAnswer.of(send(`${host.url}/events`));
    await events.until('first');
    const rows = await OpenAnswer.of(send(`${host.url}/rows`));
    await rows.until('row');
    const { closed } = await drain(host);
    await Promise.all([silent.end(), events.end(), rows.end()]);
    expect(events.received).toContain('OPERATION_SHUTDOWN');
    host.gate.resolve();
    expect(await host.answer).toMatchObject({ status: 200, text: 'done' });
    await closed;
  });
});

describe('The sessions of HTTP/2', () => {
  it('end with the application, since they never end by themselves', async () => {
    const host = await startHttpApp('Fastify', {
      controllers: [Quick],
      http2: true,
      forceClose: false,
    });
    const session = connectHttp2(host.url);
    const stream = session.request({ ':path': '/' });
    stream.resume();
    await once(stream, 'close');
    const left = once(session, 'close');
    await host.app.close();
    await left;
  });
});
