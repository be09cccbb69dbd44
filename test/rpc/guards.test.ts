import { describe, expect, it } from '@jest/globals';
import {
  type ArgumentsHost,
  Catch,
  Controller,
  type INestApplication,
  Module,
  UseFilters,
  UseGuards,
} from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import {
  BaseRpcExceptionFilter,
  type ClientProxy,
  EventPattern,
  MessagePattern,
  type MicroserviceOptions,
  Transport,
} from '@nestjs/microservices';
import { ExpressAdapter } from '@nestjs/platform-express';
import { CancelableModule, OperationRegistry } from 'nestjs-cancelable';
import { lastValueFrom } from 'rxjs';
import { deferred, rejection, turn } from '../support/deferred.js';
import { NestLog } from '../support/nest-log.js';
import { CheckGuard, Permissions, SlowGuard } from '../support/permissions.js';
import { freePort } from '../support/servers.js';
import { connectClient, startService } from './support.js';
import { closeAfterTest } from '../support/close-after-test.js';

const tcp = (port: number) =>
  ({ transport: Transport.TCP, options: { host: '127.0.0.1', port } }) as const;

const caught: unknown[] = [];

@Catch()
class NotingFilter extends BaseRpcExceptionFilter {
  override catch(error: unknown, host: ArgumentsHost) {
    caught.push(error);
    return super.catch(error, host);
  }
}

@Controller()
class GuardedController {
  @MessagePattern('check')
  @UseGuards(CheckGuard)
  check() {
    return 'served';
  }

  @MessagePattern('slow')
  @UseGuards(SlowGuard)
  slow() {
    return 'served';
  }

  @MessagePattern('own')
  @UseGuards(SlowGuard)
  @UseFilters(NotingFilter)
  own() {
    return 'served';
  }

  @EventPattern('event')
  @UseGuards(SlowGuard)
  event(_payload: object) {}
}

const metadata = { controllers: [GuardedController], providers: [Permissions] };

async function startHybrid(inheritAppConfig: boolean, port: number) {
  const cancelable = { maxLive: 1, shutdown: { grace: '3s' } };
  @Module({ ...metadata, imports: [CancelableModule.forRoot(cancelable)] })
  class AppModule {}
  const log = new NestLog();
  const app: INestApplication = await NestFactory.create(AppModule, new ExpressAdapter(), {
    logger: log,
  });
  app.connectMicroservice<MicroserviceOptions>(tcp(port), { inheritAppConfig });
  closeAfterTest(() => app.close());
  await app.startAllMicroservices();
  await app.listen(0, '127.0.0.1');
  return { app, log, registry: app.get(OperationRegistry) };
}

describe.each(['a microservice', 'a hybrid application', 'a hybrid application that inherits'])(
  'the failure of a guard of %s',
  (what) => {
    const start = async () => {
      const port = await freePort();
      const service =
        what === 'a microservice'
          ? await startService(tcp(port), metadata, { maxLive: 1, shutdown: { grace: '3s' } })
          : await startHybrid(what.endsWith('inherits'), port);
      const client = await connectClient(tcp(port));
      return { ...service, client };
    };
    const ask = (client: ClientProxy, pattern: string) =>
      rejection(lastValueFrom(client.send(pattern, {})));

    it('is answered like the failure of a handler: a service without room or time', async () => {
      const { client, registry, log } = await start();
      expect(await ask(client, 'slow')).toEqual({
        status: 'error',
        message: 'The operation timed out',
        code: 'OPERATION_TIMEOUT',
      });
      const gate = deferred();
      registry.spawn('all there may be', () => gate.promise);
      expect(await ask(client, 'check')).toEqual({
        status: 'error',
        message: 'The server is busy',
        code: 'OPERATION_LIMIT',
      });
      gate.resolve();
      await registry.whenIdle();
      const settled = new Promise((resolve) => registry.events$.subscribe(resolve));
      await lastValueFrom(client.emit('event', {}), { defaultValue: undefined });
      await settled;
      expect(await lastValueFrom(client.send('check', {}))).toBe('served');
      expect(log.find('error')).toEqual([]);
    });

    it("is left to a handler's own filter", async () => {
      caught.length = 0;
      const { client } = await start();
      expect(await ask(client, 'own')).toMatchObject({ message: 'Internal server error' });
      expect(caught).toMatchObject([{ reason: 'timeout' }]);
    });

    it('is a refusal while the application drains', async () => {
      const { app, client, registry, log } = await start();
      const gate = deferred();
      registry.spawn('what runs', () => gate.promise);
      // `close()` of a microservice closes its transport first.
      const closed = what === 'a microservice' ? shutDown(app) : app.close();
      while (!registry.draining) await turn();
      expect(await ask(client, 'check')).toEqual({
        status: 'error',
        message: 'The server is shutting down',
        code: 'OPERATION_REFUSED',
      });
      expect(log.find('error')).toEqual([]);
      gate.resolve();
      await closed;
    });
  },
);

/** What a signal does. */
function shutDown(app: object): Promise<void> {
  return (app as { callDestroyHook(): Promise<void> }).callDestroyHook();
}

it("a guard's failure reaches a microservice's global filters as a handler's does", async () => {
  caught.length = 0;
  const port = await freePort();
  await startService(tcp(port), {
    ...metadata,
    providers: [Permissions, { provide: APP_FILTER, useClass: NotingFilter }],
  });
  const client = await connectClient(tcp(port));
  expect(await rejection(lastValueFrom(client.send('slow', {})))).toMatchObject({
    code: 'OPERATION_TIMEOUT',
  });
  expect(caught).toMatchObject([{ error: { code: 'OPERATION_TIMEOUT' } }]);
});
