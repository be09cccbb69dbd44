import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import { askForNewConnection } from '../transports/http/http-answer.js';
import { contextStorage } from '../scope/context-storage.js';
import { LONGEST_DELAY } from '../scope/timers.js';
import { ArrivingCell } from './arriving-cell.js';
import { seeParent } from './parent-process.js';

/** Idle connections are closed as soon as their last response is out, in milliseconds. */
const LOOK_EVERY = 50;
/** Connections on which nothing is answered are ended by then, in milliseconds. */
const END_AFTER = 700;

interface NodeServer {
  readonly listening: boolean;
  close(): unknown;
  on(event: 'listening', listener: () => void): unknown;
  on(event: 'session', listener: (session: Http2Session) => void): unknown;
  on(event: 'connection' | 'secureConnection', listener: (socket: HttpSocket) => void): unknown;
  emit(event: string | symbol, ...args: unknown[]): boolean;
  /** HTTP/1 only. */
  closeIdleConnections?(): void;
  closeAllConnections?(): void;
}

interface HttpSocket extends Socket {
  /** The response that Node is answering at the moment; not documented. */
  readonly _httpMessage?: ServerResponse | null;
  readonly alpnProtocol?: string | false | null;
}

interface Http2Session {
  close(): void;
  destroy(): void;
  once(event: 'close', listener: () => void): unknown;
}

/** The connections of an HTTP server that has to close. */
export class ServerConnections {
  private readonly server: NodeServer | undefined;
  /** A server of HTTP/2 closes no session by itself, and lists none. */
  private readonly sessions = new Set<Http2Session>();
  /** The connections of HTTP/1. */
  private readonly sockets = new Set<HttpSocket>();
  /** Takes `drain()` back. */
  private undo: (() => void) | undefined = undefined;

  constructor(server: unknown, onListening: () => void) {
    this.server = isNodeServer(server) ? server : undefined;
    this.server?.on('listening', () => {
      seeParent();
      onListening();
    });
    // A server that lists its connections speaks HTTP/1, or both.
    if (this.server?.closeAllConnections !== undefined) {
      const event = this.server instanceof TlsServer ? 'secureConnection' : 'connection';
      this.server.on(event, (socket) => this.track(socket));
    }
    this.server?.on('session', (session) => {
      this.sessions.add(session);
      session.once('close', () => this.sessions.delete(session));
    });
  }

  private track(socket: HttpSocket): void {
    if (this.undo === undefined) seeParent();
    if (socket.alpnProtocol === 'h2') return;
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
  }

  get isListening(): boolean {
    return this.server?.listening === true;
  }

  /**
   * Every response from now on, whoever gives it, ends its connection. Guards and middleware, which
   * come before the refusal, may still call what is decorated.
   */
  drain(): void {
    const { server } = this;
    if (server === undefined || this.undo !== undefined) return;
    const own = Object.getOwnPropertyDescriptor(server, 'emit');
    const emit = server.emit.bind(server);
    this.undo = () => {
      if (own !== undefined) Object.defineProperty(server, 'emit', own);
      else delete (server as Partial<NodeServer>).emit;
    };
    server.emit = (event, ...args) => {
      if (event !== 'request') return emit(event, ...args);
      const [request, response] = args as [IncomingMessage, ServerResponse];
      askForNewConnection({ request, response });
      return contextStorage.run(new ArrivingCell(), () => emit(event, ...args));
    };
    for (const { _httpMessage: response } of this.sockets) {
      if (response) askForNewConnection({ request: response.req, response });
    }
  }

  /** The server may listen again. */
  renew(): void {
    this.undo?.();
    this.undo = undefined;
  }

  /** New connections are refused; those that are there go on. */
  stopListening(): void {
    if (this.server?.listening === true) this.server.close();
  }

  /**
   * @param patience how long responses that are still being given may go on, in milliseconds
   * @returns ends all at once, and, when the server is closed, stops it
   */
  endSoon(patience: number): { readonly endAll: () => void; readonly stop: () => void } {
    const endIdle = () => {
      this.server?.closeIdleConnections?.();
      for (const session of this.sessions) session.close();
    };
    const endUnanswered = () => {
      for (const socket of this.sockets) if (!socket._httpMessage) socket.destroy();
    };
    const endAll = () => {
      this.server?.closeAllConnections?.();
      endUnanswered();
      for (const session of this.sessions) session.destroy();
    };
    endIdle();
    const timers = [
      setInterval(endIdle, LOOK_EVERY),
      setTimeout(endUnanswered, END_AFTER),
      setTimeout(endAll, Math.min(Math.max(END_AFTER, patience), LONGEST_DELAY)),
    ];
    for (const timer of timers) timer.unref?.();
    return { endAll, stop: () => timers.forEach(clearInterval) };
  }
}

function isNodeServer(server: unknown): server is NodeServer {
  const { close, on, emit } = (server ?? {}) as Partial<NodeServer>;
  return [close, on, emit].every((method) => typeof method === 'function');
}
