import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';

/** A response that stays open, and to which events are written. */
export interface EventSink {
  /** What was written before has been taken. */
  readonly isReady: boolean;
  write(text: string): void;
  onDrain(listener: () => void): void;
  onClose(listener: () => void): void;
  end(): void;
}

/** A reply of Fastify, as far as it is needed. */
interface FastifyReply {
  readonly raw: ServerResponse;
  hijack(): unknown;
  getHeaders(): OutgoingHttpHeaders;
}

function isReply(response: object): response is FastifyReply {
  return typeof (response as Partial<FastifyReply>).hijack === 'function';
}

/** Milliseconds for a reader to take what was written before the end. */
const PATIENCE = 2_000;

const HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  // Nothing in between may keep or compress it, which would hold events back.
  'Cache-Control': 'no-store, no-transform',
  'X-Accel-Buffering': 'no',
  'X-Content-Type-Options': 'nosniff',
};

/**
 * Begins a stream of events on a response of Express or Fastify.
 *
 * @returns `undefined` if nobody is there to read it: the caller has left, perhaps while a guard
 * waited, or wants the headers alone
 */
export function openEventSink(response: object, method: unknown): EventSink | undefined {
  let raw = response as ServerResponse;
  if (isReply(response)) {
    response.hijack();
    ({ raw } = response);
    for (const [name, value] of Object.entries(response.getHeaders())) {
      if (value !== undefined) raw.setHeader(name, value);
    }
  }
  // Of a response of HTTP/2, only its stream says so.
  const { stream } = raw as { readonly stream?: { readonly destroyed: boolean } };
  if (raw.destroyed || stream?.destroyed === true) return undefined;
  raw.on('error', () => raw.destroy());
  raw.writeHead(200, HEADERS);
  if (method === 'HEAD') {
    raw.end();
    return undefined;
  }
  raw.flushHeaders();
  return new ResponseSink(raw);
}

/** A response of HTTP/2 has no `writableNeedDrain`: what `write()` says is what both have. */
class ResponseSink implements EventSink {
  private isFull = false;
  private isOver = false;

  constructor(private readonly raw: ServerResponse) {
    raw.on('drain', () => (this.isFull = false));
    raw.on('close', () => (this.isOver = true));
  }

  get isReady(): boolean {
    return !this.isFull && !this.isOver;
  }

  write(text: string): void {
    if (!this.isOver) this.isFull = this.raw.write(text) === false;
  }

  onDrain(listener: () => void): void {
    this.raw.on('drain', listener);
  }

  onClose(listener: () => void): void {
    this.raw.on('close', listener);
  }

  end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.raw.end();
    // Who does not read would hold its place, and keep the server from closing.
    const cut = setTimeout(() => this.raw.destroy(), PATIENCE).unref();
    this.raw.on('close', () => clearTimeout(cut));
  }
}
