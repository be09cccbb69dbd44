import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type ClientSessionRequestOptions,
  connect,
  constants,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { Duplex } from 'node:stream';
import { type CallingScope, callingScope } from '../operation/calling-scope.js';
import { Interruption } from '../operation/interruption.js';
import type { CancelationError } from '../scope/cancelation-error.js';
import { SharedMethod } from '../scope/shared-method.js';
import { noop } from '../scope/thenable.js';
import type { OutgoingSettings } from './outgoing-options.js';
import { parseUrl } from './parse-url.js';

/** Node takes a list of names and values too, from version 24 on. */
type Headers = OutgoingHttpHeaders | readonly string[] | undefined;

type Request = (
  this: ClientHttp2Session,
  headers?: OutgoingHttpHeaders,
  options?: ClientSessionRequestOptions,
) => ClientHttp2Stream;

const request = new SharedMethod<'request', Request, OutgoingSettings>(
  'request',
  (below, owners) => {
    const ask: Request = function (headers, options) {
      const caller = callingScope(owners);
      // Calls of gRPC that wait for a connection are made in the context of whoever opened it.
      if (caller === undefined || isGrpc(headers)) return below.call(this, headers, options);
      const { scope, owner } = caller;
      const url = () => urlOf(this, headers);
      if (owner.isIgnored(url)) return below.call(this, headers, options);
      scope.checkClock();
      if (scope.isCanceled()) throw scope.error();
      const own = withHeaders(
        headers,
        owner.headersFor(() => url()?.origin, caller),
      );
      return tie(below.call(this, own, options), caller);
    };
    return ask;
  },
);

/** @returns takes it back */
export function replaceHttp2Requests(host: object, settings: OutgoingSettings): () => void {
  return request.replaceOn(prototypeOfSessions(), host, settings);
}

let prototype: object | undefined;

/** Node does not export the class of its sessions: one that goes nowhere shows it. */
function prototypeOfSessions(): object {
  if (prototype !== undefined) return prototype;
  const nowhere = new Duplex({ read: noop, write: (_chunk, _encoding, done) => done() });
  const session = connect('http://localhost', { createConnection: () => nowhere });
  session.on('error', noop);
  session.destroy();
  prototype = Object.getPrototypeOf(session) as object;
  return prototype;
}

function tie(
  stream: ClientHttp2Stream,
  { scope }: CallingScope<OutgoingSettings>,
): ClientHttp2Stream {
  const listener = scope.observe((error) => interrupt(stream, error));
  stream.once('close', () => listener.remove());
  return stream;
}

function interrupt(stream: ClientHttp2Stream, error: CancelationError): void {
  if (stream.destroyed) return;
  stream.on('error', noop);
  stream.close(constants.NGHTTP2_CANCEL);
  stream.destroy(new Interruption(error));
}

function isGrpc(headers: Headers): boolean {
  return String(headerOf(headers, 'content-type') ?? '').startsWith('application/grpc');
}

function headerOf(headers: Headers, wanted: string): unknown {
  if (headers === undefined) return undefined;
  const entries = Array.isArray(headers)
    ? pairsOf(headers as readonly string[])
    : Object.entries(headers);
  for (const [name, value] of entries) if (name.toLowerCase() === wanted) return value;
  return undefined;
}

function* pairsOf(list: readonly string[]): Generator<readonly [string, string | undefined]> {
  for (let index = 0; index < list.length; index += 2) yield [list[index] ?? '', list[index + 1]];
}

function withHeaders(
  headers: Headers,
  added: readonly (readonly [string, string])[],
): OutgoingHttpHeaders | undefined {
  const missing = added.filter(([name]) => headerOf(headers, name.toLowerCase()) === undefined);
  if (missing.length === 0) return headers as OutgoingHttpHeaders | undefined;
  if (Array.isArray(headers)) return [...(headers as string[]), ...missing.flat()] as never;
  return { ...(headers as OutgoingHttpHeaders | undefined), ...Object.fromEntries(missing) };
}

function urlOf(session: ClientHttp2Session, headers: Headers): URL | undefined {
  const scheme = headerOf(headers, ':scheme') ?? knownOf(session, 'protocol') ?? 'http';
  const authority = headerOf(headers, ':authority') ?? knownOf(session, 'authority');
  if (typeof authority !== 'string') return undefined;
  const path = headerOf(headers, ':path') ?? '/';
  return parseUrl(`${String(scheme).replace(':', '')}://${authority}${String(path)}`);
}

/** What a session was opened with, which it keeps under symbols of its own. */
function knownOf(session: ClientHttp2Session, name: string): unknown {
  const key = Object.getOwnPropertySymbols(session).find((each) => each.description === name);
  return key === undefined ? undefined : (session as unknown as Record<symbol, unknown>)[key];
}
