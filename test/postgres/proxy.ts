import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { closeAfterTest } from '../support/close-after-test.js';
import { connection } from './support.js';

export interface Proxy {
  readonly port: number;
  /** What becomes of the connections that are opened from now on. */
  late: 'pass' | 'refuse' | 'say nothing' | 'wait';
  /** Called for each that waits: it is passed on when the promise resolves. */
  waiting: () => Promise<unknown>;
}

/** Stands between clients and the server. */
export async function startProxy(): Promise<Proxy> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    if (proxy.late === 'refuse') socket.destroy();
    else if (proxy.late === 'pass') pass(socket);
    else if (proxy.late === 'wait') void proxy.waiting().then(() => pass(socket));
  });
  const pass = (socket: Socket) => {
    const to = connect(connection().port, '127.0.0.1');
    sockets.add(to);
    to.on('error', () => {});
    socket.pipe(to).pipe(socket);
    socket.once('close', () => to.destroy());
    to.once('close', () => socket.destroy());
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closeAfterTest(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const proxy: Proxy = { port, late: 'pass', waiting: () => Promise.resolve() };
  return proxy;
}
