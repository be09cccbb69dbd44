import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Caller, SocketCaller } from '../caller.js';
import { HttpCaller } from '../http/http-caller.js';
import { rawOf } from '../http/raw.js';
import { isObject } from '../../scope/plain-object.js';

/** The parts of the context value that servers set for a query or a subscription. */
interface ContextValue {
  readonly req?: unknown;
  readonly request?: unknown;
  readonly res?: unknown;
  readonly reply?: unknown;
  readonly extra?: unknown;
}

/**
 * The client behind GraphQL's context value: `{ req, res }` of Express, `{ request, reply }` of
 * Fastify and Mercurius, `extra.socket` of graphql-ws, which Nest hands on inside of `req`.
 *
 * @returns `undefined` when the context tells of none
 */
export function clientOf(context: unknown): Caller | undefined {
  if (!isObject(context)) return undefined;
  const { req, request, res, reply, extra } = context as ContextValue;
  const asked = req ?? request ?? (reply as { request?: unknown } | undefined)?.request;
  const socket = socketOf(extra) ?? socketOf((asked as ContextValue | undefined)?.extra);
  if (socket !== undefined) return new SocketCaller(socket);
  const raw = isObject(asked) ? rawOf<IncomingMessage>(asked) : undefined;
  if (raw?.httpVersionMajor === undefined) return undefined;
  const answered = res ?? reply;
  const response = isObject(answered)
    ? rawOf<ServerResponse>(answered)
    : (raw as { res?: ServerResponse }).res;
  return new HttpCaller(raw, typeof response?.writableEnded === 'boolean' ? response : NO_RESPONSE);
}

/** Without a response, the request has become a WebSocket, and lasts as long as its connection. */
const NO_RESPONSE = { destroyed: false, writableEnded: false } as ServerResponse;

function socketOf(extra: unknown): object | undefined {
  const socket = isObject(extra) ? (extra as { socket?: unknown }).socket : undefined;
  return isObject(socket) ? socket : undefined;
}
