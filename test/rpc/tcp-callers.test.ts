import { once } from 'node:events';
import { type AddressInfo, connect, type Server, type Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { type INestApplication, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { type MicroserviceOptions, Transport } from '@nestjs/microservices';
import {
  CancelableModule,
  type CancelableModuleOptions,
  OperationRegistry,
} from 'nestjs-cancelable';
import { lastValueFrom, take, toArray } from 'rxjs';
import { rejection, turn } from '../support/deferred.js';
import { observe } from '../support/observe.js';
import { withQuickShutdown } from '../support/quick-shutdown.js';
import { freePort } from '../support/servers.js';
import { entered, metadata } from './reports.controller.js';
import { connectClient, startService } from './support.js';
import { closeAfterTest } from '../support/close-after-test.js';
import { message } from './tcp-message.js';

const tcp = (port: number) =>
  ({ transport: Transport.TCP, options: { host: '127.0.0.1', port } }) as const;

describe('A caller over TCP that leaves', () => {
  it('cancels its calls, and those of nobody else, with one listener for all', async () => {
    const port = await freePort();
    const sockets: Socket[] = [];
    const { app, registry, collect } = await startService(tcp(port), metadata);
    app.unwrap<Server>().on('connection', (socket) => sockets.push(socket));
    const [mine, other] = await Promise.all(
      [0, 1].map(async () => {
        const socket = connect(port, '127.0.0.1');
        await once(socket, 'connect');
        closeAfterTest(() => socket.destroy());
        return socket;
      }),
    );
    const began = lastValueFrom(entered.pipe(take(21), toArray()));
    for (let call = 0; call < 20; call++) {
      const pattern = call % 2 === 0 ? 'reports.build' : 'reports.plain';
      mine?.write(message(pattern, 'mine', `${call}`));
    }
    other?.write(message('reports.build', 'other', 'x'));
    await began;
    expect(sockets).toHaveLength(2);
    const counts = sockets.map((socket) => socket.listenerCount('close')).sort();
    const settled = collect('settled', 40);
    mine?.destroy();
    const reasons = (await settled).map(({ kind, reason }) => `${kind}: ${reason}`);
    expect(new Set(reasons)).toEqual(new Set(['rpc: disconnect', 'method: parent']));
    // What is on a socket with one call is on one with twenty.
    expect(counts[0]).toBe(counts[1]);
    expect(registry.list({ kind: 'rpc' })).toHaveLength(1);
    registry.cancelAll({});
    await registry.whenIdle();
  });
});

describe('A hybrid application', () => {
  async function start(inheritAppConfig: boolean, options?: CancelableModuleOptions) {
    @Module({ ...metadata, imports: [CancelableModule.forRoot(withQuickShutdown(options))] })
    class AppModule {}
    const app: INestApplication = await NestFactory.create(AppModule, new ExpressAdapter(), {
      logger: false,
    });
    const port = await freePort();
    app.connectMicroservice<MicroserviceOptions>(tcp(port), { inheritAppConfig });
    closeAfterTest(() => app.close());
    await app.startAllMicroservices();
    await app.listen(0, '127.0.0.1');
    expect((app.getHttpServer() as Server).address() as AddressInfo).toBeDefined();
    return { app, ...observe(app.get(OperationRegistry)), port };
  }

  it.each([true, false])('with inheritAppConfig: %s links decorated handlers', async (inherits) => {
    const { port, registry, next, collect } = await start(inherits);
    const client = await connectClient(tcp(port));
    expect(await lastValueFrom(client.send('reports.echo', 'Paris'))).toMatchObject({
      name: 'reports.echo',
      kind: 'rpc',
    });
    expect(registry.history()).toHaveLength(1);
    const error = await rejection(lastValueFrom(client.send('reports.late', {})));
    expect(error.code).toBe('OPERATION_TIMEOUT');

    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    const began = next('started', 'Rows.wait');
    socket.write(message('reports.build', 'Paris', '1'));
    await began;
    const settled = collect('settled', 2);
    socket.destroy();
    expect((await settled).map(({ name, reason }) => [name, reason])).toEqual([
      ['Rows.wait', 'parent'],
      ['reports.build', 'disconnect'],
    ]);
  });

  it('drains before its transports are closed', async () => {
    const { app, port, registry } = await start(true, { shutdown: { grace: '200ms' } });
    const client = await connectClient(tcp(port));
    const began = lastValueFrom(entered.pipe(take(1)));
    const answer = rejection(lastValueFrom(client.send('reports.build', 'Paris')));
    await began;
    const closed = app.close();
    while (!registry.draining) await turn();
    const refused = await rejection(lastValueFrom(client.send('reports.echo', 'Rome')));
    expect(refused.code).toBe('OPERATION_REFUSED');
    expect((await answer).code).toBe('OPERATION_SHUTDOWN');
    await closed;
  });
});
