import type { AddressInfo, Server } from 'node:net';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  type INestApplication,
  Injectable,
  Module,
  type OnModuleDestroy,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern, Transport, ClientProxyFactory } from '@nestjs/microservices';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  Cancelable,
  CancelableModule,
  currentOperation,
  OnOperation,
  OperationRegistry,
} from 'nestjs-cancelable';
import { lastValueFrom } from 'rxjs';
import { deferred, turn } from '../support/deferred.js';
import { adapters, type Adapter } from '../support/http-app.js';
import { get } from '../support/http-client.js';
import { freePort } from '../support/servers.js';

let gate = deferred();
let entered = deferred();
const heard: string[] = [];
const extended: string[] = [];

@Injectable()
class Pool implements OnModuleDestroy {
  static closed = 0;
  onModuleDestroy() {
    Pool.closed++;
  }
  @OnOperation('settled')
  note({ operation }: { operation: { name: string } }) {
    heard.push(operation.name);
  }
}

@Controller()
class Routes {
  @Get('quick')
  @Cancelable('5s')
  async quick() {
    return currentOperation().name;
  }
  @Get('bare')
  bare() {
    return 'bare';
  }
  @Get('slow')
  async slow() {
    entered.resolve();
    await gate.promise;
    return 'slow';
  }
  @MessagePattern('ask')
  @Cancelable('5s')
  async ask() {
    return 'answer';
  }
}

@Module({
  imports: [
    CancelableModule.forRoot({
      shutdown: { grace: '1h', cleanup: '1ms' },
      extensions: [
        {
          name: 'queue',
          install({ onShutdown }) {
            extended.push('installed');
            onShutdown(() => extended.push('draining'));
            return () => void extended.push('uninstalled');
          },
        },
      ],
    }),
  ],
  controllers: [Routes],
  providers: [Pool],
})
class AppModule {}

const adapterOf = (adapter: Adapter): ExpressAdapter =>
  (adapter === 'Express' ? new ExpressAdapter() : new FastifyAdapter()) as ExpressAdapter;

const opened: INestApplication[] = [];
async function listen(app: INestApplication): Promise<string> {
  opened.push(app);
  await app.listen(0, '127.0.0.1');
  return `http://127.0.0.1:${((app.getHttpServer() as Server).address() as AddressInfo).port}`;
}

beforeEach(() => {
  gate = deferred();
  entered = deferred();
  heard.length = extended.length = 0;
});
afterEach(async () => {
  gate.resolve();
  for (const app of opened.splice(0)) await app.close();
});

async function expectServed(url: string): Promise<void> {
  expect(await get(`${url}/quick`)).toMatchObject({ status: 200, text: 'GET /quick' });
  expect(await get(`${url}/bare`)).toMatchObject({ status: 200, text: 'bare' });
}

/** Closes while a request runs, which is waited for; new ones are refused meanwhile. */
async function expectDrained(app: INestApplication, url: string): Promise<void> {
  const slow = get(`${url}/slow`);
  await entered.promise;
  const closed = app.close();
  while (!app.get(OperationRegistry).draining) await turn();
  expect((await get(`${url}/bare`)).status).toBe(503);
  gate.resolve();
  expect(await slow).toMatchObject({ status: 200, text: 'slow' });
  await closed;
}

describe.each(adapters)('One TestingModule on %s', (adapter) => {
  let module: TestingModule;
  beforeAll(async () => {
    module = await Test.createTestingModule({ imports: [AppModule] }).compile();
  });

  /** Nest itself needs one to be started before the next is made. */
  async function startTwo() {
    const create = () => module.createNestApplication(adapterOf(adapter), { logger: false });
    const [first, firstUrl] = await start(create());
    const [second, secondUrl] = await start(create());
    return { apps: [first, second] as const, urls: [firstUrl, secondUrl] as const };
  }
  async function start(app: INestApplication): Promise<[INestApplication, string]> {
    return [app, await listen(app)];
  }

  it.each(['first', 'second', 'third'])(
    'serves its %s application, and drains it',
    async (which) => {
      const app = module.createNestApplication(adapterOf(adapter), { logger: false });
      const url = await listen(app);
      await expectServed(url);
      expect(heard).toEqual(['GET /quick']);
      expect(app.get(OperationRegistry).draining).toBe(false);
      await expectDrained(app, url);
      expect(extended).toEqual(['installed', 'draining', 'uninstalled']);
      expect(which).toBeDefined();
    },
  );

  it('serves one application while another is closed, and drains with the last', async () => {
    const { apps, urls } = await startTwo();
    const [first, second] = apps;
    for (const url of urls) await expectServed(url);
    await first.close();
    await first.close();
    await expectServed(urls[1]);
    expect(extended).toEqual(['installed']);
    await expectDrained(second, urls[1]);
    expect(extended).toEqual(['installed', 'draining', 'uninstalled']);
  });

  it('drains when all of its applications are closed at once', async () => {
    const { apps, urls } = await startTwo();
    const slow = get(`${urls[0]}/slow`);
    await entered.promise;
    const closed = Promise.all(apps.map((app) => app.close()));
    while (!apps[0].get(OperationRegistry).draining) await turn();
    gate.resolve();
    expect((await slow).status).toBe(200);
    await closed;
  });
});

describe('An application', () => {
  it('that is closed serves again when it listens again', async () => {
    const app = await NestFactory.create(AppModule, new ExpressAdapter(), { logger: false });
    for (let round = 0; round < 3; round++) {
      gate = deferred();
      entered = deferred();
      const url = await listen(app);
      await expectServed(url);
      await expectDrained(app, url);
    }
  });

  it('is independent of another from the same class, one after the other and side by side', async () => {
    const create = () => NestFactory.create(AppModule, new ExpressAdapter(), { logger: false });
    const before = await create();
    const gone = await listen(before);
    await expectServed(gone);
    await before.close();
    const [first, second] = [await create(), await create()];
    const urls = [await listen(first), await listen(second)] as const;
    await first.close();
    await expectServed(urls[1]);
    expect(first.get(OperationRegistry)).not.toBe(second.get(OperationRegistry));
    expect(first.get(OperationRegistry).history()).toEqual([]);
  });
});

describe('A microservice of one TestingModule', () => {
  it('is served after another was closed', async () => {
    const module = await Test.createTestingModule({ imports: [AppModule] }).compile();
    for (let round = 0; round < 2; round++) {
      const options = { host: '127.0.0.1', port: await freePort() };
      const service = module.createNestMicroservice({ transport: Transport.TCP, options });
      await service.listen();
      const client = ClientProxyFactory.create({ transport: Transport.TCP, options });
      expect(await lastValueFrom(client.send('ask', {}))).toBe('answer');
      client.close();
      await service.close();
    }
  });
});
