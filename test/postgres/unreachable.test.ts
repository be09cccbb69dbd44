import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { postgres } from 'nestjs-cancelable/postgres';
import { startContext } from '../support/app-context.js';
import { rejection } from '../support/deferred.js';
import {
  closeAfterTest,
  connection,
  newPool,
  open,
  running,
  slow,
  usePostgres,
} from './support.js';

usePostgres();

/** Passes connections on to the server, until it is told otherwise. */
async function startProxy() {
  const state = { late: 'pass' as 'pass' | 'refuse' | 'say nothing' };
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    if (state.late === 'refuse') socket.destroy();
    if (state.late !== 'pass') return;
    const to = connect(connection().port, '127.0.0.1');
    sockets.add(to);
    to.on('error', () => {});
    socket.pipe(to).pipe(socket);
    socket.once('close', () => to.destroy());
    to.once('close', () => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closeAfterTest(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { state, port: (server.address() as AddressInfo).port };
}

describe('a server that cannot be told to cancel', () => {
  it.each(['refuse', 'say nothing'] as const)(
    'keeps nobody waiting: the connection is closed, and the log says so (%s)',
    async (late) => {
      const { registry, log } = await startContext({}, { extensions: [postgres()] });
      const proxy = await startProxy();
      const pool = newPool({ port: proxy.port, max: 1 });
      const { work, operation } = open(registry, () => pool.query(slow(late)));
      await running(late);
      proxy.state.late = late;
      operation.cancel();
      expect(await rejection(work)).toBe(operation.cancelation);
      proxy.state.late = 'pass';
      expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
      expect(log.find('warn', 'could not be told to cancel a query of report')).toHaveLength(1);
    },
    30_000,
  );
});
