import { once } from 'node:events';
import { afterEach } from '@jest/globals';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import type { INestApplication, Provider } from '@nestjs/common';
import type { CancelableModuleOptions } from 'nestjs-cancelable';
import { io, type Socket } from 'socket.io-client';
import { WebSocket } from 'ws';
import { type HttpApp, startHttpApp } from '../support/http-app.js';

export type Library = 'socket.io' | 'ws';

export interface Message {
  readonly event: string;
  readonly data: any;
}

/** A client of a gateway, whatever the library. */
export abstract class Client {
  /** Everything that came, in order. */
  readonly received: Message[] = [];
  private waiting: (() => void)[] = [];

  /** The connection is over. */
  abstract readonly closed: Promise<unknown>;
  abstract send(event: string, data: unknown): void;
  /** Cuts the connection. */
  abstract leave(): void;
  /** Reads nothing any more, until it resumes. */
  abstract pause(): void;
  abstract resume(): void;

  protected receive(event: string, data: unknown): void {
    this.received.push({ event, data });
    for (const each of this.waiting.splice(0)) each();
  }

  /** Resolves once so many messages of an event have come. */
  async until(event: string, count = 1): Promise<any[]> {
    for (;;) {
      const found = this.received.filter((message) => message.event === event);
      if (found.length >= count) return found.map(({ data }) => data as unknown);
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }
}

class IoClient extends Client {
  readonly closed: Promise<unknown>;

  constructor(readonly socket: Socket) {
    super();
    this.closed = new Promise((resolve) => socket.once('disconnect', resolve));
    socket.onAny((event: string, data: unknown) => this.receive(event, data));
  }

  send(event: string, data: unknown): void {
    this.socket.emit(event, data);
  }

  leave(): void {
    this.socket.disconnect();
  }

  pause(): void {
    this.connection.pause();
  }

  resume(): void {
    this.connection.resume();
  }

  /** In Node, socket.io's client uses ws. */
  private get connection(): WebSocket {
    return (this.socket.io.engine.transport as unknown as { ws: WebSocket }).ws;
  }
}

class WsClient extends Client {
  readonly closed: Promise<unknown>;

  constructor(private readonly socket: WebSocket) {
    super();
    this.closed = once(socket, 'close');
    socket.on('message', (text: Buffer) => {
      const { event, data } = JSON.parse(text.toString()) as Message;
      this.receive(event, data);
    });
  }

  send(event: string, data: unknown): void {
    this.socket.send(JSON.stringify({ event, data }));
  }

  leave(): void {
    this.socket.terminate();
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }
}

const clients: Client[] = [];

afterEach(() => {
  for (const client of clients.splice(0)) client.leave();
});

export function startGatewayApp(
  library: Library,
  providers: Provider[],
  cancelable?: CancelableModuleOptions,
): Promise<HttpApp> {
  const configure = (app: INestApplication) =>
    app.useWebSocketAdapter(library === 'ws' ? new WsAdapter(app) : new IoAdapter(app));
  return startHttpApp('Express', { providers, configure, ...(cancelable && { cancelable }) });
}

export async function connect(library: Library, { port }: HttpApp): Promise<Client> {
  const client = library === 'ws' ? await connectWs(port) : await connectIo(port);
  clients.push(client);
  return client;
}

/** For what only socket.io has. */
export async function connectSocket(app: HttpApp): Promise<Socket> {
  return ((await connect('socket.io', app)) as IoClient).socket;
}

async function connectWs(port: number): Promise<Client> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`);
  const client = new WsClient(socket);
  await once(socket, 'open');
  return client;
}

async function connectIo(port: number): Promise<Client> {
  const socket = io(`http://127.0.0.1:${port}`, {
    transports: ['websocket'],
    reconnection: false,
    forceNew: true,
  });
  const client = new IoClient(socket);
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  return client;
}
