import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { connect } from 'node:net';
import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  type ArgumentsHost,
  type CallHandler,
  Catch,
  Controller,
  type ExceptionFilter,
  type ExecutionContext,
  Get,
  type INestApplication,
  Injectable,
  Module,
  type NestInterceptor,
  Scope,
  UseFilters,
  UseInterceptors,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  EventPattern,
  MessagePattern,
  type MicroserviceOptions,
  RpcException,
  Transport,
} from '@nestjs/microservices';
import { ExpressAdapter } from '@nestjs/platform-express';
import {
  Cancelable,
  CancelableModule,
  currentOperation,
  OperationRegistry,
} from 'nestjs-cancelable';
import { catchError, lastValueFrom, throwError } from 'rxjs';
import { type Deferred, deferred, rejection } from '../support/deferred.js';
import { observe } from '../support/observe.js';
import { withQuickShutdown } from '../support/quick-shutdown.js';
import { freePort } from '../support/servers.js';
import { connectClient, startService } from './support.js';
import { closeAfterTest } from '../support/close-after-test.js';

const tcp = (port: number) =>
  ({ transport: Transport.TCP, options: { host: '127.0.0.1', port } }) as const;

let entered: Deferred<void>;
let gate: Deferred<void>;
let seen: unknown[];

beforeEach(() => {
  entered = deferred();
  gate = deferred();
  seen = [];
});

@Injectable()
class Watching implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return next.handle().pipe(
      catchError((error: unknown) => {
        seen.push(error);
        return throwError(() => error);
      }),
    );
  }
}

@Catch(RpcException)
class WatchingFilter implements ExceptionFilter {
  catch(exception: RpcException, _host: ArgumentsHost) {
    seen.push(exception.cause);
    return throwError(() => exception.getError());
  }
}

@Controller()
class EdgesController {
  @MessagePattern(['first', 'second'])
  @Cancelable('1h')
  async several() {
    return currentOperation().name;
  }

  @MessagePattern({ cmd: 'sum', version: 2 })
  @Cancelable('1h')
  async object() {
    return currentOperation().name;
  }

  @Get('both')
  @MessagePattern('both')
  @Cancelable('1h')
  async both() {
    const { name, kind } = currentOperation();
    return { name, kind };
  }

  /** Undecorated, and slow to begin. */
  @MessagePattern('slow')
  async *slow() {
    entered.resolve();
    await gate.promise;
    yield 'late';
  }

  @EventPattern('changed')
  @Cancelable('1h')
  async changed(_data: unknown) {
    entered.resolve();
    await gate.promise;
  }

  @EventPattern('followed')
  @Cancelable({ timeout: '1h', onDisconnect: 'cancel' })
  async followed(_data: unknown) {
    entered.resolve();
    await gate.promise;
  }

  @MessagePattern('seen')
  @UseInterceptors(Watching)
  @UseFilters(WatchingFilter)
  @Cancelable(300)
  async seen() {
    await currentOperation().sleep('1h');
  }
}

@Controller({ scope: Scope.REQUEST })
class ScopedController {
  @MessagePattern('scoped')
  @Cancelable('1h')
  async scoped() {
    const { name, kind } = currentOperation();
    return { name, kind };
  }
}

const metadata = { controllers: [EdgesController, ScopedController] };

async function start(options?: Parameters<typeof startService>[2]) {
  const port = await freePort();
  const service = await startService(tcp(port), metadata, options);
  return { ...service, port, client: await connectClient(tcp(port)) };
}

/** An event as Nest's client over TCP writes it. */
async function emitAndLeave(port: number, pattern: string): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const text = JSON.stringify({ pattern, data: {} });
  socket.write(`${text.length}#${text}`);
  await entered.promise;
  socket.destroy();
}

describe('Handlers of messages', () => {
  it('are named by the pattern they were called with, of several', async () => {
    const { client } = await start();
    expect(await lastValueFrom(client.send('first', {}))).toBe('first');
    expect(await lastValueFrom(client.send('second', {}))).toBe('second');
  });

  it('are named by the JSON of a pattern that is an object', async () => {
    const { client } = await start();
    const answer = client.send({ version: 2, cmd: 'sum' }, {});
    expect(await lastValueFrom(answer)).toBe('{"cmd":"sum","version":2}');
  });

  it('are operations in request-scoped controllers', async () => {
    const { client, registry } = await start();
    expect(await lastValueFrom(client.send('scoped', {}))).toEqual({ name: 'scoped', kind: 'rpc' });
    expect(registry.history()).toHaveLength(1);
  });

  it('show interceptors the cancelation, and filters the exception it caused', async () => {
    const { client } = await start();
    const error = await rejection(lastValueFrom(client.send('seen', {})));
    expect(error).toEqual({
      status: 'error',
      message: 'The operation timed out',
      code: 'OPERATION_TIMEOUT',
    });
    expect(seen).toMatchObject([
      { reason: 'timeout' },
      { reason: 'timeout', operationName: 'seen' },
    ]);
  });

  it('have to give the first item of an iterable within the default timeout', async () => {
    const { client, registry } = await start({ defaultTimeout: 50 });
    const error = await rejection(lastValueFrom(client.send('slow', {})));
    expect(error).toMatchObject({ code: 'OPERATION_TIMEOUT' });
    gate.resolve();
    await registry.whenIdle();
  });
});

describe('An event whose sender leaves at once', () => {
  it('is handled all the same: nobody waits for an answer', async () => {
    const { app, port, registry, next } = await start();
    const left = new Promise((resolve) => {
      app.unwrap<Server>().once('connection', (socket) => socket.once('close', resolve));
    });
    const settled = next('settled');
    await emitAndLeave(port, 'changed');
    await left;
    gate.resolve();
    expect(await settled).toMatchObject({ name: 'changed', status: 'completed' });
    expect(registry.list()).toEqual([]);
  });

  it('stops where the handler asks for it', async () => {
    const { port, next } = await start();
    const canceled = next('canceled');
    await emitAndLeave(port, 'followed');
    expect(await canceled).toMatchObject({ name: 'followed', reason: 'disconnect' });
    gate.resolve();
  });
});

describe('A method that is a route and a message handler', () => {
  it('is an operation of either kind, once', async () => {
    @Module({ ...metadata, imports: [CancelableModule.forRoot(withQuickShutdown(undefined))] })
    class AppModule {}
    const app: INestApplication = await NestFactory.create(AppModule, new ExpressAdapter(), {
      logger: false,
    });
    const port = await freePort();
    app.connectMicroservice<MicroserviceOptions>(tcp(port), { inheritAppConfig: true });
    closeAfterTest(() => app.close());
    await app.startAllMicroservices();
    await app.listen(0, '127.0.0.1');
    const { registry } = observe(app.get(OperationRegistry));
    const { port: httpPort } = (app.getHttpServer() as Server).address() as AddressInfo;

    const route = await (await fetch(`http://127.0.0.1:${httpPort}/both`)).json();
    const client = await connectClient(tcp(port));
    const message = await lastValueFrom(client.send('both', {}));

    expect(route).toEqual({ name: 'GET /both', kind: 'http' });
    expect(message).toEqual({ name: 'both', kind: 'rpc' });
    expect(registry.history()).toHaveLength(2);
  });
});
