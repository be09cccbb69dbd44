import 'reflect-metadata';
import { request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Controller, Get, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  Cancelable,
  CancelableModule,
  CancelationToken,
  CancelToken,
  CurrentOperation,
  currentOperation,
  Operation,
  OperationRegistry,
} from 'nestjs-cancelable';
import { ClsModule, ClsService } from 'nestjs-cls';
import { interval, map } from 'rxjs';

/** Both libraries in one application; prints what each of them saw, as JSON. */
@Injectable()
class Service {
  constructor(private readonly cls: ClsService) {}

  @Cancelable()
  async work(operation = currentOperation()) {
    await operation.sleep(1);
    return { user: this.cls.get<string>('user'), parent: operation.parent?.name };
  }
}

@Controller()
class ClsController {
  constructor(
    private readonly cls: ClsService,
    private readonly service: Service,
  ) {}

  @Get('both')
  @Cancelable('1h')
  async both() {
    return { ...(await this.service.work()), user: this.cls.get<string>('user') };
  }

  @Get('waits')
  @Cancelable()
  waits(@CancelToken() token: CancelationToken) {
    seen.push(`waits for ${this.cls.get<string>('user')}`);
    entered();
    return token.sleep('1h');
  }

  @Get('observable')
  @Cancelable()
  observable() {
    return interval(1).pipe(
      map(() => {
        seen.push(`ticks for ${this.cls.get<string>('user')}`);
        entered();
      }),
    );
  }

  @Get('late')
  @Cancelable(200)
  late(@CurrentOperation() operation: Operation) {
    return operation.sleep('1m');
  }
}

const seen: string[] = [];
let entered = () => {};

function moduleOf(mount: 'middleware' | 'interceptor' | 'guard') {
  const setup = (cls: ClsService) => cls.set('user', 'ada');
  @Module({
    imports: [
      ClsModule.forRoot({ global: true, [mount]: { mount: true, setup } }),
      CancelableModule.forRoot(),
    ],
    controllers: [ClsController],
    providers: [Service],
  })
  class AppModule {}
  return AppModule;
}

const results: unknown[] = [];
for (const mount of ['middleware', 'interceptor', 'guard'] as const) {
  for (const adapter of [new ExpressAdapter(), new FastifyAdapter()]) {
    seen.length = 0;
    const app = await NestFactory.create(moduleOf(mount), adapter as ExpressAdapter, {
      logger: ['error'],
      forceCloseConnections: true,
    });
    await app.listen(0, '127.0.0.1');
    const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();
    const url = `http://127.0.0.1:${port}`;
    const registry = app.get(OperationRegistry);

    const both: unknown = await (await fetch(`${url}/both`)).json();
    const late = (await fetch(`${url}/late`)).status;
    for (const path of ['waits', 'observable']) {
      const isEntered = new Promise<void>((resolve) => (entered = resolve));
      const request = httpRequest(`${url}/${path}`, { agent: false });
      request.on('error', () => {});
      request.end();
      await isEntered;
      request.destroy();
      await registry.whenIdle({ name: `GET /${path}` });
    }
    const reasons = registry.history({ kind: 'http' }).map(({ name, reason }) => [name, reason]);
    results.push({ both, late, seen: [...new Set(seen)].sort(), reasons });
    await app.close();
  }
}
console.log(JSON.stringify(results));
