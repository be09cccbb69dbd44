import type { Server } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import {
  type CanActivate,
  Controller,
  Get,
  Injectable,
  type OnModuleDestroy,
  UseGuards,
} from '@nestjs/common';
import {
  Cancelable,
  currentOperation,
  OperationRefused,
  OperationRegistry,
} from 'nestjs-cancelable';
import { rejection, turn } from '../support/deferred.js';
import { adapters } from '../support/http-app.js';
import { get, keepAliveAgent } from '../support/http-client.js';
import { drain, PATIENT, start, startWaiting, waitingController } from './support.js';

describe.each(adapters)('New work while an application drains, on %s', (adapter) => {
  it('answers new requests with 503, decorated or not, but serves what it ignores', async () => {
    @Controller()
    class Routes {
      @Get('refused/decorated')
      @Cancelable()
      decorated(): Promise<string> {
        throw new Error('must not run');
      }
      @Get('refused/undecorated')
      undecorated(): string {
        throw new Error('must not run');
      }
      @Get('health')
      @Cancelable({ onShutdown: 'ignore' })
      async health(operation = currentOperation()) {
        return operation.sleep(1).then(() => 'alive');
      }
    }
    const host = await startWaiting(adapter, PATIENT, { controllers: [Routes] });
    const { closed } = await drain(host);
    for (const path of ['refused/decorated', 'refused/undecorated']) {
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
    host.gate.resolve();
    expect((await host.answer).text).toBe('done');
    await closed;
  });

  it('is refused, except from what still runs and what is ignored', async () => {
    const outcomes: unknown[] = [];
    @Injectable()
    class Service {
      @Cancelable()
      async work() {
        return 'worked';
      }
    }
    const host = await startWaiting(adapter, PATIENT, {
      providers: [Service],
      work: async (gate, find) => {
        await gate;
        outcomes.push(await find(Service).work());
      },
    });
    const { closed } = await drain(host);
    const { registry } = host;
    expect(await rejection(registry.run('late', () => 1))).toBeInstanceOf(OperationRefused);
    expect(() => registry.spawn('late', () => 1)).toThrow(OperationRefused);
    expect(await rejection(host.app.get(Service).work())).toBeInstanceOf(OperationRefused);
    expect(await registry.run({ name: 'probe', onShutdown: 'ignore' }, () => 2)).toBe(2);
    host.gate.resolve();
    await host.answer;
    expect(outcomes).toEqual(['worked']);
    await closed;
  });

  it('may be handed on by what still runs, and is waited for', async () => {
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
    const host = await startWaiting(adapter, PATIENT, {
      providers: [Audit],
      work: async (gate, find) => {
        const audit = find(Audit);
        currentOperation().defer(() => audit.write('cleaned up'));
        await gate;
        await audit.write('detached');
        find(OperationRegistry).spawn('later', () => audit.write('spawned'));
        return 'done';
      },
    });
    const { closed } = await drain(host);
    host.gate.resolve();
    expect(await host.answer).toMatchObject({ status: 200, text: 'done' });
    await closed;
    expect(order).toHaveLength(4);
    expect(order).toEqual(expect.arrayContaining(['detached', 'spawned', 'cleaned up']));
    expect(order.at(-1)).toBe('closed');
  });

  it('may be begun by guards, before a call is refused or served', async () => {
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
    @Controller('guarded')
    @UseGuards(AuthGuard)
    class Guarded {
      @Get('busy')
      async busy() {}
      @Get('live')
      @Cancelable({ onShutdown: 'ignore' })
      async live() {
        return 'alive';
      }
    }
    const { entered, gate, Waiting } = waitingController();
    UseGuards(AuthGuard)(Waiting);
    const host = await start(adapter, PATIENT, {
      controllers: [Waiting, Guarded],
      providers: [Auth, AuthGuard],
    });
    const busy = get(`${host.url}/undecorated`);
    await entered.promise;
    const { closed } = await drain(host);
    const refused = await get(`${host.url}/guarded/busy`);
    expect(refused).toMatchObject({ status: 503, headers: { 'retry-after': '10' } });
    expect(await get(`${host.url}/guarded/live`)).toMatchObject({ status: 200, text: 'alive' });
    expect(host.log.find('error')).toEqual([]);
    gate.resolve();
    await busy;
    await closed;
  });
});

describe.each(adapters)('The delay of a shutdown on %s', (adapter) => {
  it('serves as usual, while the application says that it is not ready', async () => {
    const { gate, Waiting } = waitingController();
    gate.resolve();
    const shutdown = { ...PATIENT, delay: '1h' };
    const host = await start(adapter, shutdown, { controllers: [Waiting] });
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

  it('ends with new work refused, and with work waited for that has begun', async () => {
    const { entered, gate, Waiting } = waitingController();
    const shutdown = { ...PATIENT, delay: '50ms' };
    const host = await start(adapter, shutdown, { controllers: [Waiting] });
    const { closed } = await drain(host);
    const answer = get(`${host.url}/undecorated`);
    await entered.promise;
    const probe = () => host.registry.run('probe', () => 1).catch((error: unknown) => error);
    while ((await probe()) === 1) await turn();
    expect((await get(`${host.url}/undecorated`)).status).toBe(503);
    gate.resolve();
    expect(await answer).toMatchObject({ status: 200, text: 'done' });
    await closed;
  });

  it('is none in an application that nobody can call', async () => {
    const host = await start(adapter, { delay: '1h' });
    (host.app.getHttpServer() as Server).close();
    await host.app.close();
    expect(host.registry.draining).toBe(true);
  });
});
