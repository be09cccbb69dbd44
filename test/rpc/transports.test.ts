import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ClientOptions, type MicroserviceOptions, Transport } from '@nestjs/microservices';
import { firstValueFrom, lastValueFrom, toArray } from 'rxjs';
import { rejection } from '../support/deferred.js';
import {
  describeWith,
  freePort,
  type RunningServer,
  type ServerName,
  startServer,
} from '../support/servers.js';
import { entered, metadata } from './reports.controller.js';
import { connectClient, startService } from './support.js';

type Options = MicroserviceOptions & ClientOptions;

/** What holds over every transport that sends messages. */
function behaves(options: () => Promise<Options>): void {
  const start = async (cancelable?: Parameters<typeof startService>[2]) => {
    const transport = await options();
    const service = await startService(transport, metadata, cancelable);
    return { ...service, client: await connectClient(transport) };
  };

  it('is an operation of kind rpc, by its pattern', async () => {
    const { client, registry } = await start();
    expect(await lastValueFrom(client.send('reports.echo', 'Paris'))).toEqual({
      text: 'Paris',
      name: 'reports.echo',
      kind: 'rpc',
    });
    expect(registry.history()).toMatchObject([
      { name: 'reports.echo', kind: 'rpc', status: 'completed' },
    ]);
    expect(registry.list()).toEqual([]);
  });

  it('answers a timeout with a code, and nothing internal', async () => {
    const { client } = await start();
    expect(await rejection(lastValueFrom(client.send('reports.late', {})))).toEqual({
      status: 'error',
      message: 'The operation timed out',
      code: 'OPERATION_TIMEOUT',
    });
  });

  it.each(['reports.build', 'reports.plain'])('%s: stops with its provider', async (pattern) => {
    const { client, registry, next } = await start();
    const began = firstValueFrom(entered);
    const answer = rejection(lastValueFrom(client.send(pattern, 'Paris')));
    await began;
    const settled = next('settled', 'Rows.wait');
    expect(registry.cancelAll({ name: pattern }, { message: 'secret' })).toBe(1);
    expect(await answer).toEqual({
      status: 'error',
      message: 'The operation was canceled',
      code: 'OPERATION_MANUAL',
    });
    expect(await settled).toMatchObject({ reason: 'parent', status: 'canceled' });
    await registry.whenIdle();
  });

  it('sends what Observables and generators give, and ends them with an error', async () => {
    const { client, registry } = await start();
    const rows = client.send('reports.rows', 2).pipe(toArray());
    expect(await lastValueFrom(rows)).toEqual([1, 2]);
    for (const pattern of ['reports.rows', 'reports.ticks']) {
      const received: unknown[] = [];
      const failed = new Promise((resolve) => {
        client.send(pattern, 3).subscribe({
          next: (value) => {
            received.push(value);
            if (received.length === (pattern === 'reports.rows' ? 3 : 1)) registry.cancelAll({});
          },
          error: resolve,
        });
      });
      expect(await failed).toMatchObject({ code: 'OPERATION_MANUAL' });
      await registry.whenIdle();
    }
    expect(registry.list()).toEqual([]);
  });

  it('gives the token beside the payload', async () => {
    const { client } = await start();
    expect(await lastValueFrom(client.send('reports.token', 'Paris'))).toBe('Paris: false');
  });

  it("leaves the user's own exceptions alone", async () => {
    const { client, registry } = await start();
    const error = await rejection(lastValueFrom(client.send('reports.own', {})));
    expect(error).toEqual({ code: 'OWN', message: 'my own' });
    expect(registry.history()).toMatchObject([{ status: 'failed' }]);
  });

  it('refuses a second call of an exclusive handler', async () => {
    const { client, registry } = await start();
    const began = firstValueFrom(entered);
    const first = rejection(lastValueFrom(client.send('reports.one', 'Paris')));
    await began;
    expect(await rejection(lastValueFrom(client.send('reports.one', 'Rome')))).toEqual({
      status: 'error',
      message: 'The operation is already running',
      code: 'OPERATION_CONFLICT',
    });
    registry.cancelAll({});
    await first;
    await registry.whenIdle();
  });

  it('limits what is not decorated by the default timeout, until it answers', async () => {
    const { client, registry } = await start({ defaultTimeout: 50 });
    const error = await rejection(lastValueFrom(client.send('reports.plain', 'Paris')));
    expect(error.code).toBe('OPERATION_TIMEOUT');
    await registry.whenIdle();
  });

  it('is one for events too', async () => {
    const { client, registry, next } = await start();
    const began = firstValueFrom(entered);
    await lastValueFrom(client.emit('reports.changed', 'Oslo'), { defaultValue: undefined });
    expect(await began).toBe('Oslo');
    const settled = next('settled', 'reports.changed');
    expect(registry.cancelAll({ kind: 'rpc', name: 'reports.changed' })).toBe(1);
    expect(await settled).toMatchObject({ status: 'canceled', reason: 'manual' });
  });

  it('knows what the request option says of it', async () => {
    const { client, registry } = await start({
      request: (context) => ({ metadata: { data: context.switchToRpc().getData<string>() } }),
    });
    await lastValueFrom(client.send('reports.echo', 'Paris'));
    expect(registry.history()[0]?.metadata).toEqual({ data: 'Paris' });
  });
}

describe('@Cancelable() on a handler over TCP', () => {
  behaves(async () => ({
    transport: Transport.TCP,
    options: { host: '127.0.0.1', port: await freePort() },
  }));
});

const brokers: [ServerName, (port: number) => Options][] = [
  ['redis', (port) => ({ transport: Transport.REDIS, options: { host: '127.0.0.1', port } })],
  ['nats', (port) => ({ transport: Transport.NATS, options: { servers: [`127.0.0.1:${port}`] } })],
];
for (const [name, options] of brokers) {
  describeWith([name], `@Cancelable() on a handler over ${name}`, () => {
    let server: RunningServer;
    beforeAll(async () => {
      server = await startServer(name);
    });
    afterAll(() => server.stop());
    behaves(async () => options(server.port));
  });
}
