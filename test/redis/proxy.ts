import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { deferred } from '../support/deferred.js';

/** Stands between clients and servers: holds back what interrupts, and changes where it leads. */
export class Proxy {
  private readonly sockets = new Set<Socket>();
  private readonly waiting: (() => void)[] = [];
  private isHolding = false;
  private arrived = deferred();

  private constructor(
    private readonly server: Server,
    /** Where new connections lead. */
    public target: number,
  ) {
    server.on('connection', (client) => this.connect(client));
  }

  static async start(target: number): Promise<Proxy> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Proxy(server, target);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Holds the next CLIENT UNBLOCK back; resolves when it is there. */
  holdUnblock(): Promise<void> {
    this.isHolding = true;
    this.arrived = deferred();
    return this.arrived.promise;
  }

  release(): void {
    this.isHolding = false;
    for (const send of this.waiting.splice(0)) send();
  }

  /** Ends the connections to a server. */
  cut(port: number): void {
    for (const socket of this.sockets) if (socket.remotePort === port) socket.destroy();
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }

  private connect(client: Socket): void {
    const upstream = connect(this.target, '127.0.0.1');
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.sockets.delete(socket);
        other.destroy();
      });
    }
    upstream.pipe(client);
    client.on('data', (chunk) => {
      if (!this.isHolding || !chunk.includes('UNBLOCK')) return upstream.write(chunk);
      this.arrived.resolve();
      return this.waiting.push(() => upstream.write(chunk));
    });
  }
}
