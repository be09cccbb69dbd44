/** Idle connections are closed as soon as their last response is out, in milliseconds. */
const LOOK_EVERY = 50;
/** All operations are over: what is still open then only waits for a slow client, in milliseconds. */
const END_AFTER = 700;

interface NodeServer {
  readonly listening: boolean;
  close(): unknown;
  on(event: 'session', listener: (session: Http2Session) => void): unknown;
  /** HTTP/1 only. */
  closeIdleConnections?(): void;
  closeAllConnections?(): void;
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

  constructor(server: unknown) {
    this.server = isNodeServer(server) ? server : undefined;
    this.server?.on('session', (session) => {
      this.sessions.add(session);
      session.once('close', () => this.sessions.delete(session));
    });
  }

  /** New connections are refused; those that are there go on. */
  stopListening(): void {
    if (this.server?.listening === true) this.server.close();
  }

  /** @returns stops it: the server is closed */
  endSoon(): () => void {
    const { server, sessions } = this;
    if (server === undefined) return () => {};
    const endIdle = () => {
      server.closeIdleConnections?.();
      for (const session of sessions) session.close();
    };
    endIdle();
    const look = setInterval(endIdle, LOOK_EVERY);
    const end = setTimeout(() => {
      server.closeAllConnections?.();
      for (const session of sessions) session.destroy();
    }, END_AFTER);
    look.unref?.();
    end.unref?.();
    return () => {
      clearInterval(look);
      clearTimeout(end);
    };
  }
}

function isNodeServer(server: unknown): server is NodeServer {
  const { close, on } = (server ?? {}) as Partial<NodeServer>;
  return typeof close === 'function' && typeof on === 'function';
}
