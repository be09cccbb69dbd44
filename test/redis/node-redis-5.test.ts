import { expect, it } from '@jest/globals';
import * as extension from 'nestjs-cancelable/redis';
import * as library from 'redis';
import { startContext } from '../support/app-context.js';
import { rejection } from '../support/deferred.js';
import { describeWith, startServer } from '../support/servers.js';
import { describeClients } from './behaviour.js';
import { nodeRedisLibrary } from './clients.js';
import { Observer } from './server.js';

describeClients(nodeRedisLibrary('redis 5', library), extension);

describeWith(['redis'], 'redisCommands() and what redis 5 makes of a client', () => {
  it('ties what waits for a client of a pool to its caller, and to nobody else', async () => {
    const server = await startServer('redis');
    const observer = await Observer.connect(server.port);
    const pool = library.createClientPool(
      { socket: { port: server.port, host: '127.0.0.1' } },
      { minimum: 1, maximum: 1 },
    );
    try {
      await pool.connect();
      const { registry } = await startContext({}, { extensions: [extension.redisCommands()] });
      const first = registry.spawn({ name: 'first', settle: 'wait' }, () => pool.blPop('none', 0));
      await observer.blocked();
      const second = registry.spawn('second', () => pool.incr('count'));
      const outside = pool.incr('count');
      const third = registry.spawn('third', () => pool.blPop('none', 0));
      first.cancel();
      expect(await rejection(first.result)).toBe(first.cancelation);
      expect(await Promise.all([second.result, outside])).toEqual([1, 2]);
      await observer.blocked();
      third.cancel();
      expect(await rejection(third.result)).toBe(third.cancelation);
    } finally {
      observer.close();
      pool.destroy();
      await server.stop();
    }
  });

  it("keeps the user's own signal, and the options of a client made of another", async () => {
    const server = await startServer('redis');
    const client = library.createClient({
      socket: { port: server.port, host: '127.0.0.1', reconnectStrategy: () => 20 },
    });
    client.on('error', () => {});
    try {
      const { registry } = await startContext({}, { extensions: [extension.redisCommands()] });
      const controller = new AbortController();
      const connecting = client.connect();
      const operation = registry.spawn('get', () =>
        client.withAbortSignal(controller.signal).get('key'),
      );
      await Promise.resolve();
      controller.abort();
      expect(await rejection(operation.result)).toBeInstanceOf(library.AbortError);
      await connecting;
      const buffers = client.withTypeMapping({ [library.RESP_TYPES.BLOB_STRING]: Buffer });
      await client.rPush('list', 'a');
      expect(await registry.run('pop', () => buffers.blPop('list', 0))).toMatchObject({
        element: Buffer.from('a'),
      });
    } finally {
      client.destroy();
      await server.stop();
    }
  });
});
