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

const HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  // Nothing in between may keep or compress it, which would hold events back.
  'Cache-Control': 'no-store, no-transform',
  'X-Accel-Buffering': 'no',
  'X-Content-Type-Options': 'nosniff',
};

/** Begins a stream of events on a response of Express or Fastify. */
export function openEventSink(response: object): EventSink {
  let raw = response as ServerResponse;
  if (isReply(response)) {
    response.hijack();
    ({ raw } = response);
    for (const [name, value] of Object.entries(response.getHeaders())) {
      if (value !== undefined) raw.setHeader(name, value);
    }
  }
  raw.writeHead(200, HEADERS);
  raw.flushHeaders();
  raw.on('error', () => raw.destroy());
  return {
    get isReady() {
      return !raw.writableNeedDrain && !raw.writableEnded && !raw.destroyed;
    },
    write: (text) => void raw.write(text),
    onDrain: (listener) => void raw.on('drain', listener),
    onClose: (listener) => void raw.on('close', listener),
    end: () => void raw.end(),
  };
}
