import { describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Injectable,
  Module,
  type OnModuleDestroy,
  type OnModuleInit,
  Post,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  Cancelable,
  CancelableModule,
  currentOperation,
  currentToken,
  OperationRegistry,
} from 'nestjs-cancelable';
import { deferred, isPending, rejection, turn } from '../support/deferred.js';
import { adapters, startHttpApp } from '../support/http-app.js';
import { get, keepAliveAgent } from '../support/http-client.js';
import {
  deafWork,
  drain,
  NEVER_ENDING,
  PATIENT,
  start,
  startWaiting,
  untilCanceled,
} from './support.js';

describe.each(adapters)('A shutdown on %s', (adapter) => {
  it.each(['decorated', 'undecorated'] as const)(
    'lets a request finish that is %s, and asks its connection to close',
    async (path) => {
      const agent = keepAliveAgent();
      const host = await startWaiting(adapter, PATIENT, { path, agent });
      const { closed } = await drain(host);
      host.gate.resolve();
      expect(await host.answer).toMatchObject({
        status: 200,
        text: 'done',
        headers: { connection: 'close' },
      });
      await closed;
      agent.destroy();
    },
  );

  it.each(['decorated', 'undecorated'] as const)(
    'cancels a request that is %s and does not finish within the grace, and answers it',
    async (path) => {
      const work = () => (path === 'decorated' ? currentToken().race(deafWork()) : deafWork());
      const host = await startWaiting(adapter, { grace: '50ms' }, { path, work });
      const { closed } = await drain(host);
      const canceled = await host.answer;
      expect(canceled).toMatchObject({
        status: 503,
        headers: { connection: 'close', 'retry-after': '10' },
      });
      expect(canceled.json()).toMatchObject({ code: 'OPERATION_SHUTDOWN' });
      await closed;
      expect(host.registry.history().at(-1)).toMatchObject({ reason: 'shutdown' });
      expect(host.log.find('log', `within 50ms: GET /${path}`)).toHaveLength(1);
    },
  );

  it('cancels work at once that asks for it', async () => {
    const host = await startWaiting(adapter, PATIENT, {
      work: untilCanceled,
      cancelable: { onShutdown: 'cancel' },
    });
    const { closed } = await drain(host);
    expect((await host.answer).json()).toMatchObject({ code: 'OPERATION_SHUTDOWN' });
    await closed;
  });

  it('closes other modules only after the last operation has settled', async () => {
    const order: string[] = [];
    @Injectable()
    class Pool implements OnModuleDestroy {
      onModuleDestroy() {
        order.push('pool closed');
      }
    }
    const work = async (cleanup: Promise<void>) => {
      const operation = currentOperation();
      try {
        await untilCanceled();
      } finally {
        await operation.shield(() => cleanup);
        order.push('rolled back');
      }
    };
    const shutdown = { grace: '10ms', cleanup: NEVER_ENDING };
    const host = await startWaiting(adapter, shutdown, { work, providers: [Pool] });
    const canceled = host.next('canceled');
    const { closed } = await drain(host);
    await canceled;
    await turn();
    expect(order).toEqual([]);
    host.gate.resolve();
    await closed;
    expect(order).toEqual(['rolled back', 'pool closed']);
    expect((await host.answer).status).toBe(503);
  });

  it('names stragglers, answers for them, and waits no longer than the cleanup time', async () => {
    const entered = deferred();
    @Controller()
    class Deaf {
      @Get('wait')
      @Cancelable({ settle: 'wait' })
      wait() {
        entered.resolve();
        return deafWork();
      }
    }
    const shutdown = { grace: '10ms', cleanup: '50ms' };
    const host = await startWaiting(adapter, shutdown, { work: deafWork, controllers: [Deaf] });
    const other = get(`${host.url}/wait`);
    await entered.promise;
    await host.app.close();
    for (const answer of [host.answer, other]) expect((await answer).status).toBe(503);
    for (const name of ['GET /decorated', 'GET /wait']) {
      const lines = host.log.find('warn', `${name} is left behind: it is still running`);
      expect(lines).toHaveLength(1);
      expect(lines[0]).toContain('(shutdown (');
    }
    expect(host.log.find('log', 'though 2 operations are still running')).toHaveLength(1);
  });

  it('does not wait again for what was canceled long ago', async () => {
    const host = await startWaiting(
      adapter,
      { ...PATIENT, cleanup: '20ms' },
      { work: deafWork, cancelable: { timeout: 5 } },
    );
    expect((await host.answer).status).toBe(504);
    await host.app.close();
    expect(host.log.find('warn', 'GET /decorated is left behind')).toHaveLength(1);
  });

  it('waits no longer than the cleanup time for what is canceled meanwhile', async () => {
    const host = await startWaiting(
      adapter,
      { ...PATIENT, cleanup: '20ms' },
      { work: deafWork, cancelable: { timeout: 50 } },
    );
    await host.app.close();
    expect((await host.answer).status).toBe(504);
    expect(host.log.find('warn', 'GET /decorated is left behind')).toHaveLength(1);
  });

  it('cancels in the end what was begun during the cleanup', async () => {
    const late = deferred<unknown>();
    @Injectable()
    class Audit {
      @Cancelable({ detached: true })
      async write() {
        await untilCanceled().catch(late.resolve);
      }
    }
    const host = await startWaiting(
      adapter,
      { grace: '10ms', cleanup: '50ms' },
      {
        providers: [Audit],
        work: (_gate, find) => {
          currentOperation().onCancel(
            () =>
              void find(Audit)
                .write()
                .catch(() => {}),
          );
          return untilCanceled();
        },
      },
    );
    await host.app.close();
    expect((await host.answer).status).toBe(503);
    expect(await late.promise).toMatchObject({ reason: 'shutdown' });
    expect(host.log.find('warn', 'Audit.write is left behind')).toHaveLength(1);
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
    const host = await start(adapter, undefined, { providers: [Buffer] });
    await host.app.close();
    expect(flushed).toEqual(['Buffer.flush']);
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
    const host = await start(adapter, PATIENT, { controllers: [Admin] });
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
    const work = () => {
      currentOperation().defer(deafWork);
      return untilCanceled();
    };
    const host = await startWaiting(adapter, { delay: 0, grace: 0, cleanup: 0 }, { work });
    await host.app.close();
    expect((await host.answer).json()).toMatchObject({ code: 'OPERATION_SHUTDOWN' });
    expect(host.log.find('warn', 'GET /decorated is left behind')).toHaveLength(1);
  });

  it('logs at its beginning what runs and how long it may run, and logs its end', async () => {
    const host = await startWaiting(adapter, { grace: '90s' }, { path: 'undecorated' });
    const { closed } = await drain(host);
    const lines = () => host.log.find('log', 'Shutdown: ');
    expect(lines()).toHaveLength(1);
    expect(lines()[0]).toContain(
      'Shutdown: 1 operation is running: GET /undecorated. New calls are refused, and what runs then has 1m 30s.',
    );
    host.gate.resolve();
    await host.answer;
    await closed;
    expect(lines()).toHaveLength(2);
    expect(lines()[1]).toContain('nothing is running any more, after ');
  });

  it('of an application with nothing to do takes no time', async () => {
    const host = await start(adapter, PATIENT);
    await host.app.close();
    await host.app.close();
    expect(host.log.find('warn')).toEqual([]);
  });

  it('waits longer than a timer of Node can, if asked to', async () => {
    const host = await start(adapter, { grace: '30d' });
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
    const host = await start(adapter, { grace: '20ms' });
    const operation = host.registry.spawn('import', untilCanceled);
    const { closed } = await drain(host);
    expect(await isPending(closed)).toBe(true);
    await closed;
    expect(operation.snapshot()).toMatchObject({ status: 'canceled', reason: 'shutdown' });
  });

  it('neither cancels the work it ignores nor waits for it', async () => {
    const host = await start(adapter, PATIENT);
    const ended = deferred();
    const operation = host.registry.spawn(
      { name: 'metrics', onShutdown: 'ignore' },
      () => ended.promise,
    );
    await host.app.close();
    expect(operation.status).toBe('running');
    ended.resolve();
    await operation.result;
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
