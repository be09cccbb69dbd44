import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
} from 'node:http';
import { createServer as createHttp2Server, type Http2Server } from 'node:http2';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { closeAfterTest } from '../support/close-after-test.js';
import { deferred, type Deferred } from '../support/deferred.js';

/** A request as the other side sees it. */
export interface SeenRequest {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** Resolves when its connection, or its stream, has closed before it was answered. */
  readonly left: Promise<void>;
}

/** The other side of outgoing requests. */
export class Upstream {
  readonly seen: SeenRequest[] = [];
  readonly connections = new Set<Socket>();
  private readonly waiting: Deferred<SeenRequest>[] = [];

  constructor(
    readonly url: string,
    readonly port: number,
  ) {}

  /** The next request that arrives. */
  next(): Promise<SeenRequest> {
    const wanted = deferred<SeenRequest>();
    this.waiting.push(wanted);
    return wanted.promise;
  }

  add(request: SeenRequest): void {
    this.seen.push(request);
    this.waiting.shift()?.resolve(request);
  }
}

/**
 * `/hang` never answers, `/stall` sends the head and a part of the body, `/to?<url>` redirects,
 * `/dribble` sends a chunk every few milliseconds, and all else answers with the headers it got.
 */
export async function startUpstream(): Promise<Upstream> {
  const server = createServer();
  const upstream = await listening(server);
  server.on('connection', (socket: Socket) => {
    upstream.connections.add(socket);
    socket.once('close', () => upstream.connections.delete(socket));
  });
  server.on('request', (request: IncomingMessage, response) => {
    const left = new Promise<void>((resolve) => {
      response.once('close', () => {
        if (!response.writableFinished) resolve();
      });
    });
    const { url = '', headers } = request;
    if (url === '/stall' || url === '/dribble') response.write('a part');
    if (url === '/dribble') {
      const timer = setInterval(() => response.write('more'), 2);
      response.once('close', () => clearInterval(timer));
    }
    upstream.add({ url, headers, left });
    if (['/hang', '/stall', '/dribble'].includes(url)) {
      request.resume();
    } else if (url.startsWith('/to?')) {
      response.writeHead(302, { location: decodeURIComponent(url.slice(4)) }).end();
    } else {
      request.resume().once('end', () => {
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify(headers));
      });
    }
  });
  return upstream;
}

/** The same, as far as it is needed, over HTTP/2 without TLS. */
export async function startHttp2Upstream(): Promise<Upstream & { readonly codes: number[] }> {
  const server = createHttp2Server();
  const codes: number[] = [];
  const upstream = Object.assign(await listening(server), { codes });
  server.on('stream', (stream, headers) => {
    const left = new Promise<void>((resolve) => {
      stream.once('close', () => {
        codes.push(stream.rstCode ?? 0);
        resolve();
      });
    });
    stream.on('error', () => {});
    const url = headers[':path'] ?? '';
    if (url === '/stall') {
      stream.respond({ ':status': 200 });
      stream.write('a part');
    } else if (url !== '/hang') {
      stream.respond({ ':status': 200 });
      stream.end(JSON.stringify(headers));
    }
    upstream.add({ url, headers: headers, left });
  });
  return upstream;
}

/** Accepts connections, and says nothing: a TLS handshake with it never ends. */
export async function startSilentServer(): Promise<Upstream> {
  const server = createTcpServer();
  const upstream = await listening(server);
  server.on('connection', (socket) => {
    const left = once(
      socket.resume().on('error', () => {}),
      'close',
    ).then(() => {});
    upstream.add({ url: '', headers: {}, left });
    closeAfterTest(() => socket.destroy());
  });
  return upstream;
}

async function listening(
  server: Server | Http2Server | ReturnType<typeof createTcpServer>,
): Promise<Upstream> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closeAfterTest(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const { port } = server.address() as AddressInfo;
  return new Upstream(`http://127.0.0.1:${port}`, port);
}
