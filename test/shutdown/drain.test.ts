import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect, type Server } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import {
  type CanActivate,
  Controller,
  Get,
  Injectable,
  Module,
  type OnModuleDestroy,
  type OnModuleInit,
  Post,
  Res,
  Sse,
  UseGuards,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  Cancelable,
  CancelableModule,
  type CancelableModuleOptions,
  currentOperation,
  currentToken,
  OperationRefused,
  OperationRegistry,
} from 'nestjs-cancelable';
import { concat, NEVER, of } from 'rxjs';
import { deferred, isPending, rejection, turn } from '../support/deferred.js';
import { adapters, type HttpApp, type HttpAppOptions, startHttpApp } from '../support/http-app.js';
import { get, keepAliveAgent, OpenAnswer, send } from '../support/http-client.js';

const rejectionOrValue = (promise: Promise<unknown>): Promise<unknown> =>
  promise.catch((error: unknown) => error);

/** Longer than any test may take: what waits for it fails. */
const NEVER_ENDING = '1h';

describe.each(adapters)('A shutdown on %s', (adapter) => {
  const start = (
    shutdown: CancelableModuleOptions['shutdown'],
    options: HttpAppOptions,
  ): Promise<HttpApp> =>
    startHttpApp(adapter, {
      ...options,
      forceClose: false,
      cancelable: shutdown === undefined ? {} : { shutdown },
    });

  /** Begins to close, and waits until the application drains. */
  async function drain({ app, registry }: HttpApp): Promise<{ closed: Promise<void> }> {
    const closed = app.close();
    while (!registry.draining) await turn();
    return { closed };
  }

  it.each(['decorated', 'undecorated'])(
    'lets a %s request finish, and asks its connection to close',
    async (path) => {
      const entered = deferred();
      const gate = deferred<string>();
      @Controller()
      class Slow {
        @Get('decorated')
        @Cancelable()
        decorated() {
          return this.undecorated();
        }
        @Get('undecorated')
        undecorated() {
          entered.resolve();
          return gate.promise;
        }
      }
      const host = await start({ grace: NEVER_ENDING }, { controllers: [Slow] });
      const agent = keepAliveAgent();
      const answer = get(`${host.url}/${path}`, { agent });
      await entered.promise;
      const { closed } = await drain(host);
      gate.resolve('done');
      expect(await answer).toMatchObject({
        status: 200,
        text: 'done',
        headers: { connection: 'close' },
      });
      await closed;
      agent.destroy();
    },
  );

  it('answers new requests with 503, decorated or not, but serves what it ignores', async () => {
    const entered = deferred();
    const gate = deferred();
    @Controller()
    class Routes {
      @Get('busy')
      @Cancelable()
      async busy() {
        entered.resolve();
        await gate.promise;
        return 'done';
      }
      @Get('decorated')
      @Cancelable()
      decorated(): Promise<string> {
        throw new Error('must not run');
      }
      @Get('undecorated')
      undecorated(): string {
        throw new Error('must not run');
      }
      @Get('health')
      @Cancelable({ onShutdown: 'ignore' })
      async health(operation = currentOperation()) {
        return operation.sleep(1).then(() => 'alive');
      }
    }
    const host = await start({ grace: NEVER_ENDING }, { controllers: [Routes] });
    const busy = get(`${host.url}/busy`);
    await entered.promise;
    const { closed } = await drain(host);
    for (const path of ['decorated', 'undecorated']) {
      const refused = await get(`${host.url}/${path}`);
      expect(refused.status).toBe(503);
      expect(refused.headers).toMatchObject({ connection: 'close', 'retry-after': '10' });
      expect(refused.json()).toEqual({
        statusCode: 503,
        message: 'The server is shutting down',
        code: 'OPERATION_REFUSED',
      });
    }
    expect(await get(`${host.url}/health`)).toMatchObject({
      status: 200,
      text: 'alive',
      headers: { connection: 'close' },
    });
    expect(host.registry.statistics().refused).toBe(2);
    gate.resolve();
    expect((await busy).text).toBe('done');
    await closed;
  });

  it.each(['decorated', 'undecorated'])(
    'cancels a %s request that does not finish within the grace, and answers it',
    async (path) => {
      const entered = deferred();
      @Controller()
      class Endless {
        @Get('decorated')
        @Cancelable()
        decorated() {
          entered.resolve();
          return currentToken().race(new Promise(() => {}));
        }
        @Get('undecorated')
        undecorated() {
          entered.resolve();
          return new Promise(() => {});
        }
      }
      const host = await start({ grace: '50ms' }, { controllers: [Endless] });
      const answer = get(`${host.url}/${path}`);
      await entered.promise;
      const { closed } = await drain(host);
      const canceled = await answer;
      expect(canceled).toMatchObject({
        status: 503,
        headers: { connection: 'close', 'retry-after': '10' },
      });
      expect(canceled.json()).toMatchObject({ code: 'OPERATION_SHUTDOWN' });
      await closed;
      expect(host.registry.history().at(-1)).toMatchObject({ reason: 'shutdown' });
      expect(host.log.find('warn', `within 50ms: GET /${path}`)).toHaveLength(1);
    },
  );

  it('cancels work at once that asks for it', async () => {
    const entered = deferred();
    @Controller()
    class Impatient {
      @Get('poll')
      @Cancelable({ onShutdown: 'cancel' })
      poll(operation = currentOperation()) {
        entered.resolve();
        return operation.sleep(NEVER_ENDING);
      }
    }
    const host = await start({ grace: NEVER_ENDING }, { controllers: [Impatient] });
    const answer = get(`${host.url}/poll`);
    await entered.promise;
    const { closed } = await drain(host);
    expect((await answer).json()).toMatchObject({ code: 'OPERATION_SHUTDOWN' });
    await closed;
  });

  it('ends server-sent events with an event of their own, and cuts other streams', async () => {
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
    const host = await start({ grace: '50ms' }, { controllers: [Streams] });
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

  it('closes other modules only after the last operation has settled', async () => {
    const order: string[] = [];
    const entered = deferred();
    const cleanup = deferred();
    @Injectable()
    class Pool implements OnModuleDestroy {
      onModuleDestroy() {
        order.push('pool closed');
      }
    }
    @Controller()
    class Writer {
      @Get('write')
      @Cancelable()
      async write(operation = currentOperation()) {
        entered.resolve();
        try {
          await operation.sleep(NEVER_ENDING);
        } finally {
          await operation.shield(() => cleanup.promise);
          order.push('rolled back');
        }
      }
    }
    const host = await start(
      { grace: '10ms', cleanup: NEVER_ENDING },
      { controllers: [Writer], providers: [Pool] },
    );
    const answer = get(`${host.url}/write`);
    await entered.promise;
    const canceled = host.next('canceled');
    const { closed } = await drain(host);
    await canceled;
    await turn();
    expect(order).toEqual([]);
    cleanup.resolve();
    await closed;
    expect(order).toEqual(['rolled back', 'pool closed']);
    expect((await answer).status).toBe(503);
  });

  it('names stragglers, answers for them, and waits no longer than the cleanup time', async () => {
    const entered = [deferred(), deferred()];
    @Controller()
    class Deaf {
      @Get('race')
      @Cancelable()
      race() {
        entered[0]?.resolve();
        return new Promise(() => {});
      }
      @Get('wait')
      @Cancelable({ settle: 'wait' })
      wait() {
        entered[1]?.resolve();
        return new Promise(() => {});
      }
    }
    const host = await start({ grace: '10ms', cleanup: '50ms' }, { controllers: [Deaf] });
    const answers = ['race', 'wait'].map((path) => get(`${host.url}/${path}`));
    await Promise.all(entered.map(({ promise }) => promise));
    await host.app.close();
    for (const answer of answers) expect((await answer).status).toBe(503);
    expect(host.log.find('error', 'left behind: GET /race, GET /wait')).toHaveLength(1);
  });

  it('does not wait again for what was canceled long ago', async () => {
    const entered = deferred();
    @Controller()
    class Deaf {
      @Get('deaf')
      @Cancelable(5)
      deaf() {
        entered.resolve();
        return new Promise(() => {});
      }
    }
    const host = await start({ grace: NEVER_ENDING, cleanup: '20ms' }, { controllers: [Deaf] });
    expect((await get(`${host.url}/deaf`)).status).toBe(504);
    await host.app.close();
    expect(host.log.find('error', 'left behind: GET /deaf')).toHaveLength(1);
  });

  it('waits no longer than the cleanup time for what is canceled meanwhile', async () => {
    const entered = deferred();
    @Controller()
    class Deaf {
      @Get('deaf')
      @Cancelable(50)
      deaf() {
        entered.resolve();
        return new Promise(() => {});
      }
    }
    const host = await start({ grace: NEVER_ENDING, cleanup: '20ms' }, { controllers: [Deaf] });
    const answer = get(`${host.url}/deaf`);
    await entered.promise;
    await host.app.close();
    expect((await answer).status).toBe(504);
    expect(host.log.find('error', 'left behind: GET /deaf')).toHaveLength(1);
  });

  it('takes no new work, except from what still runs and what it ignores', async () => {
    const entered = deferred();
    const gate = deferred();
    const outcomes: unknown[] = [];
    @Injectable()
    class Service {
      @Cancelable()
      async work() {
        return 'worked';
      }
    }
    @Controller()
    class Busy {
      constructor(private readonly service: Service) {}
      @Get('busy')
      @Cancelable()
      async busy() {
        entered.resolve();
        await gate.promise;
        outcomes.push(await this.service.work());
      }
    }
    const host = await start(
      { grace: NEVER_ENDING },
      { controllers: [Busy], providers: [Service] },
    );
    const answer = get(`${host.url}/busy`);
    await entered.promise;
    const { closed } = await drain(host);
    const { registry } = host;
    expect(await rejection(registry.run('late', () => 1))).toBeInstanceOf(OperationRefused);
    expect(() => registry.spawn('late', () => 1)).toThrow(OperationRefused);
    expect(await rejection(host.app.get(Service).work())).toBeInstanceOf(OperationRefused);
    expect(await registry.run({ name: 'probe', onShutdown: 'ignore' }, () => 2)).toBe(2);
    gate.resolve();
    await answer;
    expect(outcomes).toEqual(['worked']);
    await closed;
  });

  it('lets what still runs hand work on, and waits for that too', async () => {
    const entered = deferred();
    const gate = deferred();
    const order: string[] = [];
    @Injectable()
    class Audit implements OnModuleDestroy {
      @Cancelable({ detached: true })
      async write(what: string) {
        await turn();
        order.push(what);
      }
      onModuleDestroy() {
        order.push('closed');
      }
    }
    @Controller()
    class Busy {
      constructor(
        private readonly audit: Audit,
        private readonly registry: OperationRegistry,
      ) {}
      @Get('busy')
      @Cancelable()
      async busy(operation = currentOperation()) {
        operation.defer(() => this.audit.write('cleaned up'));
        entered.resolve();
        await gate.promise;
        await this.audit.write('detached');
        this.registry.spawn('later', () => this.audit.write('spawned'));
        return 'done';
      }
    }
    const host = await start({ grace: NEVER_ENDING }, { controllers: [Busy], providers: [Audit] });
    const answer = get(`${host.url}/busy`);
    await entered.promise;
    const { closed } = await drain(host);
    gate.resolve();
    expect(await answer).toMatchObject({ status: 200, text: 'done' });
    await closed;
    expect(order).toHaveLength(4);
    expect(order).toEqual(expect.arrayContaining(['detached', 'spawned', 'cleaned up']));
    expect(order.at(-1)).toBe('closed');
  });

  it('cancels in the end what was begun during the cleanup', async () => {
    const entered = deferred();
    const late = deferred<unknown>();
    @Injectable()
    class Audit {
      @Cancelable({ detached: true })
      async write(operation = currentOperation()) {
        await operation.sleep(NEVER_ENDING).catch(late.resolve);
      }
    }
    @Controller()
    class Busy {
      constructor(private readonly audit: Audit) {}
      @Get('busy')
      @Cancelable()
      async busy(operation = currentOperation()) {
        operation.onCancel(() => void this.audit.write().catch(() => {}));
        entered.resolve();
        await operation.sleep(NEVER_ENDING);
      }
    }
    const host = await start(
      { grace: '10ms', cleanup: '50ms' },
      { controllers: [Busy], providers: [Audit] },
    );
    const answer = get(`${host.url}/busy`);
    await entered.promise;
    await host.app.close();
    expect((await answer).status).toBe(503);
    expect(await late.promise).toMatchObject({ reason: 'shutdown' });
    expect(host.log.find('error', 'left behind: Audit.write')).toHaveLength(1);
  });

  it('lets the hooks of other modules use decorated methods', async () => {
    const flushed: string[] = [];
    @Injectable()
    class Buffer implements OnModuleDestroy {
      @Cancelable('1s')
      async flush() {
        flushed.push(currentOperation().name);
      }
      onModuleDestroy() {
        return this.flush();
      }
    }
    const host = await start(undefined, { providers: [Buffer] });
    await host.app.close();
    expect(flushed).toEqual(['Buffer.flush']);
  });

  it('waits for no connection that is only kept alive', async () => {
    @Controller()
    class Quick {
      @Get()
      quick() {
        return 'quick';
      }
    }
    const host = await start({ grace: NEVER_ENDING }, { controllers: [Quick] });
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

  it('lets a handler that answers by itself finish within the grace', async () => {
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
    const host = await start({ grace: NEVER_ENDING }, { controllers: [Late] });
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
  ])('answers for a handler that never answers by itself when %s', async (_name, grace) => {
    const entered = deferred();
    @Controller()
    class Never {
      @Get('never')
      never(@Res() _response: unknown) {
        entered.resolve();
      }
    }
    const host = await start({ grace }, { controllers: [Never] });
    const answer = get(`${host.url}/never`);
    await entered.promise;
    const ignore = () => {};
    process.on('SIGTERM', ignore);
    const closed = host.app.close();
    while (!host.registry.draining) await turn();
    if (grace === NEVER_ENDING) process.emit('SIGTERM');
    await closed;
    expect(await answer).toMatchObject({ status: 503, headers: { 'retry-after': '10' } });
    process.off('SIGTERM', ignore);
  });

  it('lets guards call what is decorated, before it refuses or serves', async () => {
    const entered = deferred();
    const gate = deferred();
    @Injectable()
    class Auth {
      @Cancelable('1h')
      async check() {
        return true;
      }
    }
    @Injectable()
    class AuthGuard implements CanActivate {
      constructor(private readonly auth: Auth) {}
      canActivate() {
        return this.auth.check();
      }
    }
    @Controller()
    @UseGuards(AuthGuard)
    class Guarded {
      @Get('busy')
      async busy() {
        entered.resolve();
        await gate.promise;
      }
      @Get('live')
      @Cancelable({ onShutdown: 'ignore' })
      async live() {
        return 'alive';
      }
    }
    const host = await start(
      { grace: NEVER_ENDING },
      { controllers: [Guarded], providers: [Auth, AuthGuard] },
    );
    const busy = get(`${host.url}/busy`);
    await entered.promise;
    const { closed } = await drain(host);
    const refused = await get(`${host.url}/busy`);
    expect(refused).toMatchObject({ status: 503, headers: { 'retry-after': '10' } });
    expect(await get(`${host.url}/live`)).toMatchObject({ status: 200, text: 'alive' });
    expect(host.log.find('error')).toEqual([]);
    gate.resolve();
    await busy;
    await closed;
  });

  it('asks every connection to close, whoever answers', async () => {
    const entered = deferred();
    const gate = deferred();
    class Closed implements CanActivate {
      canActivate() {
        return false;
      }
    }
    @Controller()
    class Routes {
      @Get('busy')
      async busy() {
        entered.resolve();
        await gate.promise;
      }
      @Get('guarded')
      @UseGuards(Closed)
      guarded() {}
    }
    const host = await start({ grace: NEVER_ENDING }, { controllers: [Routes] });
    const busy = get(`${host.url}/busy`);
    await entered.promise;
    const { closed } = await drain(host);
    const agent = keepAliveAgent();
    for (const [path, status] of [
      ['guarded', 403],
      ['nowhere', 404],
    ] as const) {
      const answer = await get(`${host.url}/${path}`, { agent });
      expect(answer).toMatchObject({ status, headers: { connection: 'close' } });
    }
    gate.resolve();
    await busy;
    await closed;
    agent.destroy();
  });

  it('closes its listener at once, if asked to', async () => {
    const entered = deferred();
    const gate = deferred();
    @Controller()
    class Busy {
      @Get('busy')
      async busy() {
        entered.resolve();
        await gate.promise;
        return 'done';
      }
    }
    const host = await start(
      { grace: NEVER_ENDING, onNewRequests: 'close-listener' },
      { controllers: [Busy] },
    );
    const answer = get(`${host.url}/busy`);
    await entered.promise;
    const { closed } = await drain(host);
    const [error] = (await once(connect(host.port, '127.0.0.1'), 'error')) as [{ code: string }];
    expect(error.code).toBe('ECONNREFUSED');
    gate.resolve();
    expect((await answer).text).toBe('done');
    await closed;
  });

  it('can be begun by a request, and does not wait for it', async () => {
    const finished = deferred();
    @Controller()
    class Admin {
      @Post('shutdown')
      @Cancelable()
      async shutdown() {
        await host.app.close();
        finished.resolve();
      }
    }
    const host = await start({ grace: NEVER_ENDING }, { controllers: [Admin] });
    const answer = await get(`${host.url}/shutdown`, { method: 'POST' });
    expect(answer.status).toBe(503);
    await finished.promise;
  });

  it('is told to extensions, and shows in the registry', async () => {
    const told: string[] = [];
    const host = await startHttpApp(adapter, {
      cancelable: {
        extensions: [
          {
            name: 'queue',
            install({ onShutdown, registry }) {
              onShutdown(() => told.push(`draining: ${registry.draining}`));
              onShutdown(() => {
                throw new Error('first');
              });
              onShutdown(() => Promise.reject(new Error('second')));
              onShutdown(() => told.push('removed'))();
            },
          },
        ],
      },
    });
    expect(host.registry.draining).toBe(false);
    await host.app.close();
    expect(told).toEqual(['draining: true']);
    expect(host.log.find('error', 'A listener of the shutdown failed')).toHaveLength(2);
  });

  it('without a grace cancels at once, and without a cleanup waits for nothing', async () => {
    const entered = deferred();
    @Controller()
    class Busy {
      @Get('busy')
      @Cancelable()
      async busy(operation = currentOperation()) {
        operation.defer(() => new Promise(() => {}));
        entered.resolve();
        await operation.sleep(NEVER_ENDING);
      }
    }
    const host = await start({ delay: 0, grace: 0, cleanup: 0 }, { controllers: [Busy] });
    const answer = get(`${host.url}/busy`);
    await entered.promise;
    await host.app.close();
    expect((await answer).json()).toMatchObject({ code: 'OPERATION_SHUTDOWN' });
    expect(host.log.find('error', 'left behind: GET /busy')).toHaveLength(1);
  });

  it('logs at its beginning what runs and how long it may run, and logs its end', async () => {
    const entered = deferred();
    const gate = deferred();
    @Controller()
    class Busy {
      @Get('busy')
      async busy() {
        entered.resolve();
        await gate.promise;
      }
    }
    const host = await start({ grace: '90s' }, { controllers: [Busy] });
    const answer = get(`${host.url}/busy`);
    await entered.promise;
    const { closed } = await drain(host);
    const lines = () => host.log.find('log', 'Shutdown: ');
    expect(lines()).toHaveLength(1);
    expect(lines()[0]).toContain(
      'Shutdown: 1 operation is running: GET /busy. New calls are refused, and what runs then has 1m 30s.',
    );
    gate.resolve();
    await answer;
    await closed;
    expect(lines()).toHaveLength(2);
    expect(lines()[1]).toContain('nothing is running any more, after ');
  });

  it('serves as usual during the delay, while it says that it is not ready', async () => {
    @Controller()
    class Routes {
      @Get('decorated')
      @Cancelable()
      async decorated() {
        return 'served';
      }
      @Get('undecorated')
      undecorated() {
        return 'served';
      }
    }
    const host = await start({ delay: '1h', grace: NEVER_ENDING }, { controllers: [Routes] });
    const ignore = () => {};
    process.on('SIGTERM', ignore);
    const { closed } = await drain(host);
    for (const path of ['decorated', 'undecorated']) {
      const answer = await get(`${host.url}/${path}`, { agent: keepAliveAgent() });
      // Whoever keeps connections open is sent to look for another instance.
      expect(answer).toMatchObject({ status: 200, headers: { connection: 'close' } });
    }
    expect(await host.registry.run('work', () => 1)).toBe(1);
    expect(host.log.find('log', 'New calls are served for 1h more, then refused')).toHaveLength(1);
    process.emit('SIGTERM');
    await closed;
    process.off('SIGTERM', ignore);
  });

  it('refuses new work after the delay, and waits for work that has begun', async () => {
    const entered = deferred();
    const gate = deferred();
    @Controller()
    class Busy {
      @Get('busy')
      async busy() {
        entered.resolve();
        await gate.promise;
        return 'done';
      }
    }
    const host = await start({ delay: '50ms', grace: NEVER_ENDING }, { controllers: [Busy] });
    const { closed } = await drain(host);
    const answer = get(`${host.url}/busy`);
    await entered.promise;
    while ((await rejectionOrValue(host.registry.run('probe', () => 1))) === 1) await turn();
    expect((await get(`${host.url}/busy`)).status).toBe(503);
    gate.resolve();
    expect(await answer).toMatchObject({ status: 200, text: 'done' });
    await closed;
  });

  it('has no delay in an application that nobody can call', async () => {
    const host = await start({ delay: '1h' }, {});
    (host.app.getHttpServer() as Server).close();
    await host.app.close();
    expect(host.registry.draining).toBe(true);
  });

  it('ends streams at once, and waits for the rest, with forceCloseConnections', async () => {
    const entered = deferred();
    const gate = deferred();
    @Controller()
    class Routes {
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
        await new Promise(() => {});
      }
      @Get('busy')
      async busy() {
        entered.resolve();
        await gate.promise;
        return 'done';
      }
    }
    const host = await startHttpApp(adapter, {
      controllers: [Routes],
      forceClose: true,
      cancelable: { shutdown: { grace: NEVER_ENDING, cleanup: '20ms' } },
    });
    const silent = await OpenAnswer.of(send(`${host.url}/silent`));
    const events = await OpenAnswer.of(send(`${host.url}/events`));
    await events.until('first');
    const rows = await OpenAnswer.of(send(`${host.url}/rows`));
    await rows.until('row');
    const answer = get(`${host.url}/busy`);
    await entered.promise;
    const { closed } = await drain(host);
    await Promise.all([silent.end(), events.end(), rows.end()]);
    expect(events.received).toContain('OPERATION_SHUTDOWN');
    gate.resolve();
    expect(await answer).toMatchObject({ status: 200, text: 'done' });
    await closed;
  });

  it('of an application with nothing to do takes no time', async () => {
    const host = await start({ grace: NEVER_ENDING }, {});
    await host.app.close();
    await host.app.close();
    expect(host.log.find('warn')).toEqual([]);
  });

  it('waits longer than a timer of Node can, if asked to', async () => {
    const host = await start({ grace: '30d' }, {});
    const gate = deferred();
    const operation = host.registry.spawn('import', () => gate.promise);
    const { closed } = await drain(host);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(operation.status).toBe('running');
    gate.resolve();
    await closed;
    expect(operation.status).toBe('completed');
  });

  it('waits for background work, and cancels it after the grace', async () => {
    const host = await start({ grace: '20ms' }, {});
    const operation = host.registry.spawn('import', (self) => self.sleep(NEVER_ENDING));
    const { closed } = await drain(host);
    expect(await isPending(closed)).toBe(true);
    await closed;
    expect(operation.snapshot()).toMatchObject({ status: 'canceled', reason: 'shutdown' });
  });

  it('neither cancels the work it ignores nor waits for it', async () => {
    const host = await start({ grace: NEVER_ENDING }, {});
    const registry = host.app.get(OperationRegistry);
    const ended = deferred();
    const operation = registry.spawn(
      { name: 'metrics', onShutdown: 'ignore' },
      () => ended.promise,
    );
    await host.app.close();
    expect(operation.status).toBe('running');
    ended.resolve();
    await operation.result;
  });
});

describe('A shutdown of HTTP/2', () => {
  it('ends sessions, which never end by themselves', async () => {
    @Controller()
    class Quick {
      @Get()
      quick() {
        return 'quick';
      }
    }
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

describe('A shutdown during the start', () => {
  it('waits for it, and leaves nothing behind', async () => {
    const entered = deferred();
    const gate = deferred();
    const order: string[] = [];
    @Injectable()
    class Pool implements OnModuleInit, OnModuleDestroy {
      async onModuleInit() {
        entered.resolve();
        await gate.promise;
        order.push('opened');
      }
      onModuleDestroy() {
        order.push('closed');
      }
    }
    @Module({ imports: [CancelableModule.forRoot()], providers: [Pool] })
    class AppModule {}
    const app = await NestFactory.create(AppModule, { logger: false });
    const started = app.init();
    await entered.promise;
    const closed = app.close();
    gate.resolve();
    await Promise.all([started, closed]);
    expect(order).toEqual(['opened', 'closed']);
    expect(app.get(OperationRegistry).draining).toBe(true);
  });
});

describe('The options of a shutdown', () => {
  it.each([
    [{ grace: '5 parsecs' }, 'shutdown: grace'],
    [{ delay: '5' }, 'shutdown: delay'],
    [{ grace: -1 }, 'at least 0 and at most a year'],
    [{ cleanup: -1 }, 'shutdown: cleanup'],
    [{ onNewRequests: 'panic' }, "'503', 'close-listener'"],
    [{ patience: '5s' }, "'patience'"],
  ])('%j stop the start', async (shutdown, message) => {
    const error = await rejection(startHttpApp('Express', { cancelable: { shutdown } as never }));
    expect(error.message).toContain(message);
  });
});
