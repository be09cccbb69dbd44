import { once } from 'node:events';
import {
  Agent,
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as httpRequest,
  type RequestOptions,
} from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach } from '@jest/globals';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The connection was cut before the body was complete. */
  readonly isCut: boolean;
  /** The body as JSON. */
  json(): any;
}

export interface SendOptions extends RequestOptions {
  readonly body?: string;
  /** Leaves the request open after the body: an upload that goes on. */
  readonly keepOpen?: boolean;
}

const sockets = new Set<Socket>();
const requests = new Set<ClientRequest>();

afterEach(() => {
  for (const request of requests) request.destroy();
  for (const socket of sockets) socket.destroy();
  requests.clear();
  sockets.clear();
});

/** Sends a request and leaves the rest to the caller, who may walk away from it. */
export function send(url: string, options: SendOptions = {}): ClientRequest {
  const { body, keepOpen, ...rest } = options;
  const headers = { ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
  const request = httpRequest(url, {
    agent: false,
    ...rest,
    headers: { ...headers, ...(rest.headers as object) },
  });
  requests.add(request);
  request.on('error', () => {});
  if (body !== undefined) request.write(body);
  if (!keepOpen) request.end();
  return request;
}

/** The answer to a request, whole or cut. Rejects when there is none. */
export async function answerOf(request: ClientRequest): Promise<HttpAnswer> {
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return readAnswer(response);
}

export function get(url: string, options?: SendOptions): Promise<HttpAnswer> {
  return answerOf(send(url, options));
}

export function post(url: string, body: object, options?: SendOptions): Promise<HttpAnswer> {
  return get(url, { method: 'POST', body: JSON.stringify(body), ...options });
}

export function readAnswer(response: IncomingMessage): Promise<HttpAnswer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('error', () => {});
    response.on('close', () => {
      const text = Buffer.concat(chunks).toString();
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        text,
        isCut: !response.complete,
        json: () => JSON.parse(text) as unknown,
      });
    });
  });
}

/** An answer that is read while it comes. */
export class OpenAnswer {
  received = '';
  isOver = false;

  private constructor(readonly response: IncomingMessage) {
    response.setEncoding('utf8');
    response.on('data', (text: string) => (this.received += text));
    response.on('error', () => {});
    response.on('close', () => (this.isOver = true));
  }

  /** Resolves with the headers. */
  static async of(request: ClientRequest): Promise<OpenAnswer> {
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return new OpenAnswer(response);
  }

  /** Resolves once the text was received; rejects when the answer is over before. */
  async until(text: string): Promise<void> {
    while (!this.received.includes(text)) {
      if (this.isOver) throw new Error(`'${text}' never came, only '${this.received}'`);
      await this.change();
    }
  }

  /** Resolves once there is nothing more to come. @returns whether the body was cut */
  async end(): Promise<{ isCut: boolean }> {
    while (!this.isOver) await this.change();
    return { isCut: !this.response.complete };
  }

  private change(): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.response.off('data', done).off('close', done);
        resolve();
      };
      this.response.on('data', done).on('close', done);
    });
  }
}

/** One connection for all requests. */
export function keepAliveAgent(): Agent {
  return new Agent({ keepAlive: true, maxSockets: 1 });
}

/** A connection that speaks bytes. */
export class RawClient {
  received = '';
  private constructor(readonly socket: Socket) {
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => (this.received += text));
    socket.on('error', () => {});
    sockets.add(socket);
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  write(text: string): void {
    this.socket.write(text);
  }

  /** Resolves once so much was received that the text occurs as often. */
  async until(text: string, times = 1): Promise<void> {
    while (this.received.split(text).length - 1 < times) await once(this.socket, 'data');
  }

  leave(): void {
    this.socket.destroy();
  }
}
