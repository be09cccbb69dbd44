import { describe, expect, it } from '@jest/globals';
import { type CanActivate, Injectable, Scope, UseGuards } from '@nestjs/common';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import {
  Cancelable,
  type CancelableModuleOptions,
  CancelToken,
  CancelationToken,
  rootCause,
} from 'nestjs-cancelable';
import { deferred, turn } from '../support/deferred.js';
import { answer, CHUNK, CLOSE, startChat } from './chat.gateway.js';
import { connect, type Library, startGatewayApp } from './clients.js';

/** What a client that leaves does, whatever the library. */
export function describeDisconnects(library: Library): void {
  const start = (cancelable?: CancelableModuleOptions) => startChat(library, cancelable);

  describe(`a message whose client leaves, over ${library}`, () => {
    it('stops with its client, and stops what it called', async () => {
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

    it('leaves the messages of other clients alone', async () => {
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
      const closed = new Promise((resolve) => sockets[0]!.once(CLOSE[library], resolve));
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
      const closed = new Promise((resolve) => sockets[0]!.once(CLOSE[library], resolve));
      client.leave();
      await closed;
      expect(registry.list()).toMatchObject([{ name: 'wait', status: 'running' }]);
      gate.resolve('done');
      expect(await settled).toMatchObject({ status: 'completed' });
    });

    it.each(['leaves', 'cancels'])(
      'stops the reading of further messages when its client %s',
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
        const listeners = socket!.listenerCount(CHUNK[library]);
        if (how === 'leaves') client.leave();
        else registry.cancelAll({ name: 'read' });
        expect(await settled).toMatchObject({
          status: 'canceled',
          reason: how === 'leaves' ? 'disconnect' : 'manual',
        });
        const left = how === 'leaves' ? 0 : listeners - 1;
        expect(socket!.listenerCount(CHUNK[library])).toBe(left);
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
      const before = sockets[0]!.listenerCount(CLOSE[library]);
      const started = collect('started', 30);
      for (let count = 0; count < 30; count++) client.send('wait', 'x');
      await started;
      expect(sockets[0]!.listenerCount(CLOSE[library])).toBe(before);
      gate.resolve('');
      await client.until('answer', 31);
      expect(sockets[0]!.listenerCount(CLOSE[library])).toBe(before);
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
