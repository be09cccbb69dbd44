import { describe, expect, it } from '@jest/globals';
import { Controller, Get } from '@nestjs/common';
import { Query, Resolver } from '@nestjs/graphql';
import { MessagePattern, Transport } from '@nestjs/microservices';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { lastValueFrom } from 'rxjs';
import { ask, startGraphqlApp } from '../graphql/graphql-app.js';
import { connectClient, startService } from '../rpc/support.js';
import { deferred, rejection } from '../support/deferred.js';
import { startHttpApp } from '../support/http-app.js';
import { get } from '../support/http-client.js';
import type { NestLog } from '../support/nest-log.js';
import type { Observed } from '../support/observe.js';
import { freePort } from '../support/servers.js';
import { connect, startGatewayApp } from '../ws/clients.js';

const cancelable = { defaultTimeout: 30, zombies: { after: 20 } };

/** Undecorated handlers of every kind, which know nothing of their token. */
function createDeaf() {
  const gate = deferred<string>();

  class DeafBase {
    @Get('inherited')
    inherited() {
      return gate.promise;
    }
  }

  @Controller()
  class DeafController extends DeafBase {
    @Get('deaf')
    @MessagePattern('deaf')
    deaf() {
      return gate.promise;
    }

    @Get('calls')
    async calls() {
      return this.inherited();
    }
  }

  @WebSocketGateway()
  class DeafGateway {
    @SubscribeMessage('deaf')
    deaf() {
      return gate.promise;
    }
  }

  @Resolver()
  class DeafResolver {
    @Query(() => String)
    deaf() {
      return gate.promise;
    }
  }
  return { gate, DeafController, DeafGateway, DeafResolver };
}

type Deaf = ReturnType<typeof createDeaf>;
/** Asks, and gives the code of the answer. */
type Started = Observed & { readonly log: NestLog; ask(): Promise<unknown> };

const http =
  (adapter: 'Express' | 'Fastify', path: string) =>
  async ({ DeafController }: Deaf): Promise<Started> => {
    const app = await startHttpApp(adapter, { controllers: [DeafController], cancelable });
    return { ...app, ask: async () => (await get(`${app.url}/${path}`)).json().code };
  };

const gateway =
  (library: 'socket.io' | 'ws') =>
  async ({ DeafGateway }: Deaf): Promise<Started> => {
    const app = await startGatewayApp(library, [DeafGateway], cancelable);
    const client = await connect(library, app);
    return {
      ...app,
      ask: async () => {
        client.send('deaf', {});
        return (await client.until('exception'))[0].code;
      },
    };
  };

const kinds: [string, string, (deaf: Deaf) => Promise<Started>][] = [
  ['HTTP on Express', 'GET /deaf', http('Express', 'deaf')],
  ['HTTP on Fastify', 'GET /deaf', http('Fastify', 'deaf')],
  ['HTTP, inherited', 'GET /inherited', http('Express', 'inherited')],
  ['HTTP, calling another handler', 'GET /calls', http('Fastify', 'calls')],
  ['socket.io', 'deaf', gateway('socket.io')],
  ['ws', 'deaf', gateway('ws')],
  [
    'TCP',
    'deaf',
    async ({ DeafController }) => {
      const options = { host: '127.0.0.1', port: await freePort() };
      const transport = { transport: Transport.TCP, options } as const;
      const service = await startService(transport, { controllers: [DeafController] }, cancelable);
      const client = await connectClient(transport);
      const code = async () => (await rejection(lastValueFrom(client.send('deaf', {})))).code;
      return { ...service, ask: code };
    },
  ],
  [
    'GraphQL',
    'Query.deaf',
    async ({ DeafResolver }) => {
      const app = await startGraphqlApp('Apollo on Express', {
        providers: [DeafResolver],
        cancelable,
      });
      return { ...app, ask: async () => (await ask(app, '{ deaf }')).errors[0].extensions.code };
    },
  ],
];

describe.each(kinds)(
  'an undecorated handler after its default timeout: %s',
  (_kind, name, start) => {
    it('is listed until it ends, becomes a zombie, and its late error is logged', async () => {
      const deaf = createDeaf();
      const app = await start(deaf);
      const zombie = app.next('zombie', name);
      expect(await app.ask()).toBe('OPERATION_TIMEOUT');
      expect(app.registry.list({ name })).toMatchObject([{ status: 'canceling' }]);
      await zombie;
      expect(app.log.find('warn', `${name} is still running`)).toHaveLength(1);
      const settled = app.next('settled', name);
      deaf.gate.reject(new Error('too late'));
      expect(await settled).toMatchObject({ status: 'canceled', reason: 'timeout' });
      const level = name.startsWith('GET') ? 'debug' : 'warn';
      expect(
        app.log.find(level, `${name} failed after it was canceled: Error: too late`),
      ).toHaveLength(1);
      expect(app.log.find('error')).toEqual([]);
      expect(app.registry.list()).toEqual([]);
      expect(app.registry.history({ name })).toHaveLength(1);
    });

    it('answers in time as ever', async () => {
      const deaf = createDeaf();
      deaf.gate.promise.catch(() => {});
      deaf.gate.reject(new Error('mine'));
      const app = await start(deaf);
      const settled = app.next('settled', name);
      // An error of the user's: not ours, and not changed.
      void app.ask().catch(() => {});
      expect(await settled).toMatchObject({ status: 'failed', error: { message: 'mine' } });
    });
  },
);
