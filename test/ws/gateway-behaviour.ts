import { describe, expect, it } from '@jest/globals';
import { type CanActivate, Injectable, Scope, UseGuards } from '@nestjs/common';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { Cancelable, CancelToken, CancelationToken, rootCause } from 'nestjs-cancelable';
import { deferred, turn } from '../support/deferred.js';
import { answer, type AnySocket, CHUNK, clientIdOf, CLOSE, createGateway } from './chat.gateway.js';
import { connect, type Library, startGatewayApp } from './clients.js';

/** What gateways promise, whatever the library. */
export function describeGateways(library: Library): void {
  const start = async (cancelable?: Parameters<typeof startGatewayApp>[2]) => {
    const gateway = createGateway(library);
    const app = await startGatewayApp(library, gateway.providers, cancelable);
    return { ...app, ...gateway, app, join: () => connect(library, app) };
  };

  describe(`a message over ${library}`, () => {
    it('is an operation', async () => {
      const { join, gate, registry, next } = await start();
      const client = await join();
      const started = next('started');
      client.send('wait', 'hello');
      await started;
      expect(registry.list()).toMatchObject([{ name: 'wait', kind: 'ws', status: 'running' }]);
      gate.resolve('there');
      expect(await client.until('answer')).toEqual(['hello there']);
      expect(registry.history()).toMatchObject([{ name: 'wait', kind: 'ws', status: 'completed' }]);
      expect(registry.list()).toEqual([]);
    });

    it('is none where nobody needs one', async () => {
      const { join, gate, registry } = await start();
      gate.resolve('done');
      const client = await join();
      client.send('plain', '');
      expect(await client.until('answer')).toEqual(['done']);
      expect(registry.history()).toEqual([]);
    });

    it.each([
      ['count', [1, 2, 3]],
      ['plainCount', [1, 2, 3]],
      ['ticks', ['tick']],
    ])('sends each item of %s', async (event, items) => {
      const { join, gate } = await start();
      const client = await join();
      client.send(event, '');
      expect(await client.until('answer', items.length)).toEqual(items);
      gate.resolve('');
    });

    it('needs no operation to send the items of what is not decorated', async () => {
      const { join, registry, next, gate } = await start({ maxLive: 1 });
      const client = await join();
      const started = next('started');
      client.send('stubborn', '');
      await started;
      client.send('plainCount', '');
      expect(await client.until('answer', 3)).toEqual([1, 2, 3]);
      client.send('quick', '');
      expect(await client.until('exception')).toEqual([
        { status: 'error', message: 'The server is busy', code: 'OPERATION_LIMIT' },
      ]);
      gate.resolve('');
      await registry.whenIdle();
    });

    it('stops with its client, and with it what it called', async () => {
      const { join, errors, gate, registry, next } = await start();
      const client = await join();
      const started = next('started', 'work.inner');
      const canceled = next('canceled', 'work');
      client.send('work', '');
      await started;
      client.leave();
      expect(await canceled).toMatchObject({ name: 'work', kind: 'ws', reason: 'disconnect' });
      expect(errors).toMatchObject([{ reason: 'parent' }]);
      expect(rootCause(errors[0])).toMatchObject({ reason: 'disconnect' });
      gate.resolve('late');
      await registry.whenIdle();
      expect(registry.list()).toEqual([]);
    });

    it.each(['count', 'ticks'])('stops %s with its client', async (event) => {
      const { join, gate, registry, next, torndown } = await start();
      const client = await join();
      const canceled = next('canceled');
      const settled = next('settled');
      client.send(event, '');
      await client.until('answer', event === 'ticks' ? 1 : 3);
      client.leave();
      expect(await canceled).toMatchObject({ name: event, reason: 'disconnect' });
      if (event === 'ticks') await torndown.promise;
      gate.resolve('');
      expect(await settled).toMatchObject({ status: 'canceled', reason: 'disconnect' });
      expect(registry.list()).toEqual([]);
    });

    it('leaves those of other clients alone', async () => {
      const { join, gate, registry, next, collect } = await start();
      const leaving = await join();
      const staying = await join();
      const started = collect('started', 3);
      leaving.send('wait', 'a');
      leaving.send('wait', 'b');
      staying.send('wait', 'c');
      await started;
      const canceled = collect('canceled', 2);
      const last = next('settled');
      leaving.leave();
      await canceled;
      expect(registry.list({ status: 'running' })).toHaveLength(1);
      gate.resolve('is here');
      expect(await staying.until('answer')).toEqual(['c is here']);
      await last;
    });

    it('is not begun for a client that left during its guards', async () => {
      const passed = deferred();
      const entered = deferred();
      const left = deferred();
      let calls = 0;
      class SlowGuard implements CanActivate {
        async canActivate() {
          entered.resolve();
          await passed.promise;
          return true;
        }
      }
      @WebSocketGateway()
      @UseGuards(SlowGuard)
      class GuardedGateway {
        handleDisconnect() {
          left.resolve();
        }

        @SubscribeMessage('guarded')
        @Cancelable()
        async guarded() {
          calls++;
        }
      }
      const app = await startGatewayApp(library, [GuardedGateway]);
      const client = await connect(library, app);
      client.send('guarded', '');
      await entered.promise;
      client.leave();
      await left.promise;
      passed.resolve();
      await turn();
      expect(calls).toBe(0);
      expect(app.registry.history().filter(({ status }) => status !== 'canceled')).toEqual([]);
      expect(app.registry.list()).toEqual([]);
    });

    it('goes on without its client where it says so', async () => {
      const { join, gate, registry, next, sockets } = await start();
      const client = await join();
      const started = next('started');
      const settled = next('settled');
      client.send('stubborn', '');
      await started;
      const closed = new Promise((resolve) => sockets[0].once(CLOSE[library], resolve));
      client.leave();
      await closed;
      expect(registry.list()).toMatchObject([{ name: 'stubborn', status: 'running' }]);
      gate.resolve('done');
      expect(await settled).toMatchObject({ status: 'completed' });
    });

    it('follows the application in what a lost client means', async () => {
      const { join, gate, registry, next, sockets } = await start({
        http: { onDisconnect: 'ignore' },
      });
      const client = await join();
      const started = next('started');
      const settled = next('settled');
      client.send('wait', 'x');
      await started;
      const closed = new Promise((resolve) => sockets[0].once(CLOSE[library], resolve));
      client.leave();
      await closed;
      expect(registry.list()).toMatchObject([{ name: 'wait', status: 'running' }]);
      gate.resolve('done');
      expect(await settled).toMatchObject({ status: 'completed' });
    });

    it('answers a timeout with a code, and tells nothing internal', async () => {
      const { join, registry } = await start();
      const client = await join();
      client.send('brief', '');
      expect(await client.until('exception')).toEqual([
        { status: 'error', message: 'The operation timed out', code: 'OPERATION_TIMEOUT' },
      ]);
      expect(client.received).toHaveLength(1);
      expect(registry.list()).toMatchObject([{ name: 'brief', status: 'canceling' }]);
    });

    it('has the default timeout until it sends something', async () => {
      const { join } = await start({ defaultTimeout: 20 });
      const client = await join();
      client.send('count', '');
      client.send('plain', '');
      client.send('untouched', '');
      expect(await client.until('exception')).toMatchObject([{ code: 'OPERATION_TIMEOUT' }]);
      expect(await client.until('answer', 3)).toEqual([1, 2, 3]);
      expect(client.received).toHaveLength(4);
    });

    it('answers a cancel of what it called as its own', async () => {
      const { join, registry, next } = await start();
      const client = await join();
      const started = next('started', 'work.inner');
      client.send('work', '');
      await started;
      registry.cancelAll({ kind: 'method' }, { message: 'secret', requestedBy: 'Alice' });
      expect(await client.until('exception')).toEqual([
        { status: 'error', message: 'The operation was canceled', code: 'OPERATION_MANUAL' },
      ]);
    });

    it('answers errors that are no cancelations, and leaves those of others alone', async () => {
      const { join } = await start();
      const client = await join();
      client.send('unknown', '');
      client.send('mine', '');
      expect(await client.until('exception', 2)).toEqual([
        { status: 'error', message: 'No such operation', code: 'OPERATION_NOT_FOUND' },
        { status: 'mine', text: 'as it is' },
      ]);
    });

    it.each(['count', 'ticks'])('ends %s with an exception when it is canceled', async (event) => {
      const { join, registry } = await start();
      const client = await join();
      client.send(event, '');
      await client.until('answer', event === 'ticks' ? 1 : 3);
      registry.cancelAll({ name: event });
      expect(await client.until('exception')).toMatchObject([{ code: 'OPERATION_MANUAL' }]);
    });

    it('can be canceled by its own client, by an id of its own', async () => {
      const { join, next, collect } = await start({
        request: (context) => {
          const client = context.switchToWs().getClient<AnySocket>();
          const id = context.switchToWs().getData<unknown>();
          const isWork = context.getHandler().name === 'wait';
          return {
            metadata: { client: clientIdOf(client) },
            ...(isWork ? { id: String(id) } : undefined),
          };
        },
      });
      const owner = await join();
      const other = await join();
      const started = collect('started', 1);
      owner.send('wait', 'job-1');
      await started;
      const canceled = next('canceled');

      other.send('cancel', 'job-1');
      expect(await other.until('canceled')).toEqual([0]);
      owner.send('cancel', 'job-1');
      expect(await owner.until('canceled')).toEqual([1]);

      expect(await canceled).toMatchObject({ id: 'job-1', reason: 'manual' });
      expect(await owner.until('exception')).toMatchObject([{ code: 'OPERATION_MANUAL' }]);
    });

    it.each(['leaves', 'cancels'])(
      'stops to read further messages when its client %s',
      async (how) => {
        const { join, sockets, reading, arrived, next, registry } = await start();
        const client = await join();
        const started = next('started');
        const settled = next('settled');
        client.send('read', '');
        await started;
        const [socket] = sockets;
        await reading.promise;
        client.send('chunk', 'one');
        await arrived.promise;
        const listeners = socket.listenerCount(CHUNK[library]);
        if (how === 'leaves') client.leave();
        else registry.cancelAll({ name: 'read' });
        expect(await settled).toMatchObject({
          status: 'canceled',
          reason: how === 'leaves' ? 'disconnect' : 'manual',
        });
        const left = how === 'leaves' ? 0 : listeners - 1;
        expect(socket.listenerCount(CHUNK[library])).toBe(left);
      },
    );

    it('leaves one listener on the socket, however many there are', async () => {
      const { join, sockets, registry, gate, collect } = await start();
      const warnings: unknown[] = [];
      const warn = (warning: unknown) => warnings.push(warning);
      process.on('warning', warn);
      const client = await join();
      client.send('quick', 'first');
      await client.until('answer');
      const before = sockets[0].listenerCount(CLOSE[library]);
      const started = collect('started', 30);
      for (let count = 0; count < 30; count++) client.send('wait', 'x');
      await started;
      expect(sockets[0].listenerCount(CLOSE[library])).toBe(before);
      gate.resolve('');
      await client.until('answer', 31);
      expect(sockets[0].listenerCount(CLOSE[library])).toBe(before);
      expect(registry.list()).toEqual([]);
      process.off('warning', warn);
      expect(warnings).toEqual([]);
    });

    it('reaches gateways of the request scope too', async () => {
      const gate = deferred<string>();
      @Injectable({ scope: Scope.REQUEST })
      @WebSocketGateway()
      class ScopedGateway {
        @SubscribeMessage('scoped')
        @Cancelable()
        async scoped(@MessageBody() text: string, @CancelToken() token: CancelationToken) {
          return answer(`${text} ${token.isCanceled} ${await gate.promise}`);
        }
      }
      const app = await startGatewayApp(library, [ScopedGateway]);
      const client = await connect(library, app);
      const started = app.next('started');
      const canceled = app.next('canceled');
      client.send('scoped', 'hi');
      expect(await started).toMatchObject({ name: 'scoped', kind: 'ws' });
      client.leave();
      expect(await canceled).toMatchObject({ name: 'scoped', reason: 'disconnect' });
      gate.resolve('');
    });
  });
}
