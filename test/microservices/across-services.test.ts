import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Transport } from '@nestjs/microservices';
import { firstValueFrom, lastValueFrom, take, toArray } from 'rxjs';
import { rejection } from '../support/deferred.js';
import { get, send } from '../support/http-client.js';
import {
  describeWith,
  type RunningServer,
  type ServerName,
  startServer,
} from '../support/servers.js';
import { startService } from '../rpc/support.js';
import { correlated, entered, heard, type Options, serving, startPair, tcp } from './support.js';

/** What holds over every transport that carries cancels. */
function crosses(options: () => Promise<Options>): void {
  it.each(['find', 'plain'])(
    'stops %s in the other service when the client leaves',
    async (name) => {
      const { front, service } = await startPair(await options());
      const began = firstValueFrom(entered);
      const request = send(`${front.url}/rates/${name}`);
      const provider = await began;
      expect(provider.token.isCanceled).toBe(false);
      const settled = service.collect('settled', 2);
      const gone = front.next('settled');
      request.destroy();
      expect(await gone).toMatchObject({ reason: 'disconnect', status: 'canceled' });
      const reasons = (await settled).map(({ name, reason, message }) => [name, reason, message]);
      expect(reasons.sort()).toEqual([
        ['Rates.wait', 'parent', `parent rates.${name} was canceled`],
        [`rates.${name}`, 'disconnect', 'the caller stopped waiting'],
      ]);
      expect(correlated(service).size).toBe(0);
      // The message that cancels is no work of its own.
      expect(service.registry.statistics().byName).not.toHaveProperty(['nestjs-cancelable.cancel']);
    },
  );

  it('brings the time that is left, after which both stop', async () => {
    const { front, service } = await startPair(await options());
    const began = firstValueFrom(entered);
    const settled = service.next('settled', 'rates.find');
    const answer = get(`${front.url}/rates/find?timeout=300`);
    const remaining = (await began).token.remaining();
    expect(remaining).toBeGreaterThan(0);
    expect(remaining).toBeLessThanOrEqual(301);
    expect((await answer).json()).toMatchObject({ code: 'OPERATION_TIMEOUT' });
    // By its own timer or because it was told, whichever is first.
    expect(await settled).toMatchObject({ status: 'canceled', reason: 'timeout' });
    await service.registry.whenIdle();
    await front.registry.whenIdle();
  });

  it('says timeout too where the handler returns the Observable of the answers', async () => {
    const { front, service } = await startPair(await options());
    const settled = service.next('settled', 'rates.find');
    const answer = await get(`${front.url}/rates/brief/find`);
    expect(answer.json()).toMatchObject({ code: 'OPERATION_TIMEOUT' });
    expect(await settled).toMatchObject({ status: 'canceled', reason: 'timeout' });
    await service.registry.whenIdle();
  });

  it('tells a service that does not know the deadline that the time is over', async () => {
    const { client, front, service } = await startPair(await options());
    const settled = service.next('settled', 'rates.deaf');
    const emit = jest.spyOn(client, 'emit');
    const error = await rejection(
      front.registry.run({ name: 'ask', timeout: 300 }, () =>
        lastValueFrom(client.send('rates.deaf', {})),
      ),
    );
    expect(error).toMatchObject({ reason: 'timeout' });
    await front.registry.whenIdle();
    const message = { call: expect.any(String), timedOut: true };
    expect(emit.mock.calls).toEqual([['nestjs-cancelable.cancel', message]]);
    heard.next('over');
    expect(await settled).toMatchObject({ status: 'canceled', reason: 'timeout' });
  });

  it('leaves a shorter timeout of the other service in charge', async () => {
    const { client, front, service } = await startPair(await options());
    const error = await front.registry.run({ name: 'ask', timeout: '1h' }, () =>
      rejection(lastValueFrom(client.send('rates.short', {}))),
    );
    expect(error).toMatchObject({ code: 'OPERATION_TIMEOUT' });
    expect(service.registry.history({ kind: 'rpc' })).toMatchObject([
      { name: 'rates.short', reason: 'timeout', message: 'timed out after 30ms' },
    ]);
  });

  it('errors at once with the error of the operation', async () => {
    const { client, front, service } = await startPair(await options());
    const began = firstValueFrom(entered);
    const operation = front.registry.spawn('ask', () =>
      lastValueFrom(client.send('rates.find', 1)),
    );
    await began;
    const settled = service.next('settled', 'rates.find');
    operation.cancel({ message: 'stop pressed' });
    const error = await rejection(operation.result);
    expect(error).toBe(operation.cancelation);
    expect(await settled).toMatchObject({ reason: 'disconnect' });
  });

  it('tells when a subscriber leaves, and only then', async () => {
    const { client, front, service } = await startPair(await options());
    const emit = jest.spyOn(client, 'emit');
    await front.registry.run('ask', async () => {
      const settled = service.next('settled', 'rates.ticks');
      expect(await lastValueFrom(client.send('rates.ticks', {}).pipe(take(1)))).toBe('tick');
      expect(await settled).toMatchObject({ status: 'canceled', reason: 'disconnect' });

      const completed = service.next('settled', 'rates.echo');
      expect(await firstValueFrom(client.send('rates.echo', 'x'))).toMatchObject({ data: 'x' });
      expect(await completed).toMatchObject({ status: 'completed' });
    });
    expect(emit).toHaveBeenCalledTimes(1);
  });

  it('cancels that very call, and none of the others', async () => {
    const { client, front, service } = await startPair(await options());
    const began = lastValueFrom(entered.pipe(take(3), toArray()));
    const operations = [0, 1, 2].map(() =>
      front.registry.spawn('ask', () => lastValueFrom(client.send('rates.find', {}))),
    );
    await began;
    expect(correlated(service).size).toBe(3);
    const settled = service.next('settled', 'rates.find');
    operations[1]?.cancel();
    await settled;
    expect(service.registry.list({ name: 'rates.find' })).toHaveLength(2);
    expect(correlated(service).size).toBe(2);
    const others = service.collect('settled', 4);
    front.registry.cancelAll({ name: 'ask' });
    await others;
    expect(correlated(service).size).toBe(0);
  });

  it('leaves a handler alone that works on although nobody waits', async () => {
    const { client, front, service } = await startPair(await options());
    const began = firstValueFrom(entered);
    const operation = front.registry.spawn({ name: 'ask', timeout: '1m' }, () =>
      lastValueFrom(client.send('rates.paid', {})),
    );
    const paid = await began;
    expect(paid.token.remaining()).toBeGreaterThan(60_000);
    expect(correlated(service).size).toBe(0);
    operation.cancel();
    const settled = service.next('settled', 'rates.paid');
    // A message after the cancel, on the same way.
    await lastValueFrom(client.emit('rates.changed', {}), { defaultValue: undefined });
    expect(await settled).toMatchObject({ status: 'completed' });
  });

  it('carries nothing outside of an operation, nor with events', async () => {
    const { client, front, service } = await startPair(await options());
    const answer: any = await lastValueFrom(client.send('rates.echo', {}));
    expect(answer.carried).toEqual({});
    const event = firstValueFrom(heard);
    await front.registry.run('ask', () =>
      lastValueFrom(client.emit('rates.changed', {}), { defaultValue: undefined }),
    );
    expect(await event).toEqual({});
    expect(service.log.find('error')).toEqual([]);
  });

  it("carries the time, the caller's id, and an id that nobody can guess", async () => {
    const { client, front } = await startPair(await options());
    const ask = (timeout: string | false) =>
      front.registry.run({ name: 'ask', timeout }, async ({ id }) => {
        const answer: any = await lastValueFrom(client.send('rates.echo', {}));
        return { id, ...answer.carried };
      });
    const [first, second] = [await ask('1m'), await ask(false)];
    expect(first).toEqual({
      id: first['nestjs-cancelable-operation'],
      'nestjs-cancelable-operation': expect.any(String),
      'nestjs-cancelable-call': expect.stringMatching(/^[\w-]{22,64}$/),
      'x-request-timeout-ms': expect.stringMatching(/^(?:60000|59\d{3})$/),
    });
    expect(second['nestjs-cancelable-call']).not.toBe(first['nestjs-cancelable-call']);
    expect(second['x-request-timeout-ms']).toBeUndefined();
  });

  it('leaves nothing behind after 1,000 calls', async () => {
    const { client, front, service } = await startPair(await options());
    await front.registry.run('ask', async (operation) => {
      for (let round = 0; round < 20; round++) {
        const calls = Array.from({ length: 50 }, () => lastValueFrom(client.send('rates.echo', 1)));
        await Promise.all(calls);
      }
      expect((operation as any).constructor.stateOf(operation).listenerCount).toBe(0);
    });
    await service.registry.whenIdle();
    expect(service.registry.statistics().byStatus.completed).toBe(1_000);
    expect(correlated(service).size).toBe(0);
    expect((client as any).routingMap.size).toBe(0);
  });
}

describe('Two services over TCP', () => {
  crosses(tcp);
});

const brokers: [ServerName, (port: number) => Options][] = [
  ['redis', (port) => ({ transport: Transport.REDIS, options: { host: '127.0.0.1', port } })],
  [
    'nats',
    (port) => ({
      transport: Transport.NATS,
      options: { servers: [`127.0.0.1:${port}`], queue: 'q' },
    }),
  ],
];
for (const [name, options] of brokers) {
  describeWith([name], `Two services over ${name}`, () => {
    let server: RunningServer;
    beforeAll(async () => {
      server = await startServer(name);
    });
    afterAll(() => server.stop());
    crosses(async () => options(server.port));

    if (name !== 'nats') return;
    it('reaches the instance that serves the call, among several that share a queue', async () => {
      const { client, front, service } = await startPair(options(server.port));
      const others = [await startService(options(server.port), serving)];
      others.push(await startService(options(server.port), serving));
      const began = lastValueFrom(entered.pipe(take(12), toArray()));
      const ask = () => rejection(lastValueFrom(client.send('rates.find', {})));
      for (let call = 0; call < 12; call++) front.registry.spawn('ask', ask);
      await began;
      const services = [service, ...others];
      const idle = services.map(({ registry }) => registry.whenIdle());
      expect(front.registry.cancelAll({ name: 'ask' })).toBe(12);
      await Promise.all(idle);
      const ended = services.flatMap(({ registry }) => registry.history({ name: 'rates.find' }));
      expect(ended.map(({ reason }) => reason)).toEqual(Array(12).fill('disconnect'));
    });
  });
}
