import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { ANSWER_LIMIT, type BusConnections } from '../cluster/bus-session.js';
import { inTime } from '../scope/waiting.js';

const PORT = 4222;

/**
 * The first of several servers that greets, as every server of NATS does. For one that accepts a
 * connection and does not answer, the library would leave a socket behind with each attempt, which
 * keeps the process alive.
 *
 * @throws Error of the last one, when none does
 */
export async function findServer(
  servers: readonly string[],
  connections: BusConnections,
): Promise<string> {
  let failure: unknown;
  for (const server of shuffled(servers)) {
    try {
      await greeted(server, connections);
      return server;
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

/** @param server `localhost`, `localhost:4222` or `nats://localhost:4222` */
export function isAddress(server: string): boolean {
  return URL.canParse(withProtocol(server)) && addressOf(server).hostname !== '';
}

function addressOf(server: string): URL {
  return new URL(withProtocol(server));
}

function withProtocol(server: string): string {
  return server.includes('://') ? server : `nats://${server}`;
}

async function greeted(server: string, connections: BusConnections): Promise<void> {
  const { host: address, hostname, port } = addressOf(server);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const socket: Socket = connect({ host, port: Number(port || PORT) });
  socket.unref();
  connections.add(() => socket.destroy());
  try {
    const closed = once(socket, 'close').then(() => {
      throw new Error(`${address} has closed the connection`);
    });
    await inTime(Promise.race([once(socket, 'data'), closed]), ANSWER_LIMIT);
  } finally {
    socket.destroy();
  }
}

function shuffled<Item>(items: readonly Item[]): Item[] {
  const order = items.map((item) => ({ item, at: Math.random() }));
  return order.sort((one, other) => one.at - other.at).map(({ item }) => item);
}
