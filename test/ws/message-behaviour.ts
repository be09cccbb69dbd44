import { describe, expect, it } from '@jest/globals';
import { Catch, type ExceptionFilter, UseFilters } from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway, WsException } from '@nestjs/websockets';
import {
  Cancelable,
  type CancelableModuleOptions,
  CancelToken,
  CancelationToken,
  socketId,
} from 'nestjs-cancelable';
import { deferred } from '../support/deferred.js';
import { type AnySocket, startChat } from './chat.gateway.js';
import { connect, type Library, startGatewayApp } from './clients.js';

/** What messages promise, whatever the library. */
export function describeMessages(library: Library): void {
  const start = (cancelable?: CancelableModuleOptions) => startChat(library, cancelable);

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

    it('is no operation where nobody needs one', async () => {
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

    it('shows filters a WsException with the whole story as its cause', async () => {
      const seen = deferred<Error>();
      @Catch(WsException)
      class SeeingFilter implements ExceptionFilter {
        catch(error: Error) {
          seen.resolve(error);
        }
      }
      @WebSocketGateway()
      @UseFilters(SeeingFilter)
      class FilteredGateway {
        @SubscribeMessage('brief')
        @Cancelable(200)
        async brief(@CancelToken() token: CancelationToken) {
          await token.sleep('1h');
        }
      }
      const client = await connect(library, await startGatewayApp(library, [FilteredGateway]));
      client.send('brief', '');
      const error = await seen.promise;
      expect(error.message).toBe('The operation timed out');
      expect(error.cause).toMatchObject({ reason: 'timeout', operationName: 'brief' });
      expect(Object.keys(error)).not.toContain('cause');
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

    it('has a socket with an id of its own, the same for each message', async () => {
      const { join, sockets } = await start();
      await join();
      await join();
      const [first, second] = sockets as [object, object];
      expect(socketId(first)).toBe(socketId(first));
      expect(socketId(first)).not.toBe(socketId(second));
      expect(socketId(first)).toMatch(/^[\w-]{22}$/);
      expect(() => socketId(undefined as never)).toThrow('socketId(): undefined is no socket');
    });

    it('can be canceled by its own client, by an id of its own', async () => {
      const { join, next, collect } = await start({
        request: (context) => {
          const client = context.switchToWs().getClient<AnySocket>();
          const id = context.switchToWs().getData<unknown>();
          const isWork = context.getHandler().name === 'wait';
          return {
            metadata: { client: socketId(client) },
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
  });
}
