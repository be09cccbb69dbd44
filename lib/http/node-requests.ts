import { Agent, ClientRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type CallingScope, callingScope } from '../operation/calling-scope.js';
import { Interruption } from '../operation/interruption.js';
import type { CancelationError } from '../scope/cancelation-error.js';
import { SharedMethod, undoing } from '../scope/shared-method.js';
import { noop } from '../scope/thenable.js';
import type { OutgoingSettings } from './outgoing-options.js';
import { parseUrl } from './parse-url.js';

/** What agents are told of a request, of which only the address matters here. */
interface Address {
  readonly host?: string | null;
  readonly port?: number | string | null;
}

type AddRequest = (this: Agent, request: ClientRequest, address: Address) => void;
type OnSocket = (this: ClientRequest, socket: Socket | null, error?: Error) => void;

/** What is known of a request of an operation. */
interface Tie {
  /** Its agent has given it a socket. */
  hasSocket: boolean;
  /** Set once it failed without ever having had a socket. */
  interruption: Interruption | undefined;
}

const ties = new WeakMap<ClientRequest, Tie>();

/**
 * Every request ends in one of these two, in whatever way its library came to `node:http`: the
 * constructor hands it to its agent, and the agent, or the constructor where there is none, hands
 * it a socket.
 */
const addRequest = new SharedMethod<'addRequest', AddRequest, OutgoingSettings>(
  'addRequest',
  (below, owners) => {
    const add: AddRequest = function (request, address) {
      const caller = callingScope(owners);
      if (caller === undefined || tie(request, address, caller)) {
        below.call(this, request, address);
      }
    };
    return add;
  },
);

const onSocket = new SharedMethod<'onSocket', OnSocket, OutgoingSettings>(
  'onSocket',
  (below, owners) => {
    const receive: OnSocket = function (socket, error) {
      // The agents of Node hand out sockets in the context of whoever had them before.
      if (!ties.has(this) && !(agentOf(this) instanceof Agent)) {
        const caller = callingScope(owners);
        if (caller !== undefined && !tie(this, addressOf(this), caller)) {
          socket?.destroy();
          return;
        }
      }
      const known = ties.get(this);
      if (known?.interruption !== undefined && error !== known.interruption) {
        giveBack(socket, this);
        return;
      }
      if (known !== undefined) known.hasSocket = true;
      below.call(this, socket, error);
    };
    return receive;
  },
);

/** @returns takes it back */
export function replaceNodeRequests(host: object, settings: OutgoingSettings): () => void {
  return undoing([
    onSocket.replaceOn(ClientRequest.prototype, host, settings),
    addRequest.replaceOn(Agent.prototype, host, settings),
  ]);
}

/**
 * Ties a request to the scope that makes it.
 *
 * @returns false: it is not made, for the scope is canceled
 */
function tie(
  request: ClientRequest,
  address: Address,
  caller: CallingScope<OutgoingSettings>,
): boolean {
  const { scope, owner } = caller;
  if (owner.isIgnored(() => urlOf(request, address))) return true;
  const known: Tie = { hasSocket: false, interruption: undefined };
  ties.set(request, known);
  scope.checkClock();
  if (scope.isCanceled()) {
    interrupt(request, known, scope.error());
    return false;
  }
  if (!request.headersSent) {
    for (const [name, value] of owner.headersFor(() => urlOf(request, address)?.origin, caller)) {
      if (!request.hasHeader(name)) request.setHeader(name, value);
    }
  }
  const listener = scope.observe((error) => interrupt(request, known, error));
  request.once('close', () => listener.remove());
  return true;
}

function interrupt(request: ClientRequest, known: Tie, error: CancelationError): void {
  // A request, or an agent that still holds it, may fail once more: nobody is told twice.
  request.on('error', noop);
  const interruption = new Interruption(error);
  const response = responseOf(request);
  if (response !== undefined && !response.complete) {
    response.destroy(interruption);
    return;
  }
  request.destroy(interruption);
  if (known.hasSocket) return;
  // Node tells a request that waits for a socket only when there is one, which may be never.
  known.interruption = interruption;
  (request.onSocket as OnSocket).call(request, null, interruption);
}

/** As Node does with a socket that comes for a request which has been destroyed. */
function giveBack(socket: Socket | null, request: ClientRequest): void {
  if (socket === null || socket.destroyed) return;
  if (agentOf(request) === undefined) socket.destroy();
  else socket.emit('free');
}

/** Node documents neither of them, and libraries have always read both. */
interface KnownProperties {
  readonly res?: IncomingMessage | null;
  readonly agent?: unknown;
}

function responseOf(request: ClientRequest): IncomingMessage | undefined {
  return (request as unknown as KnownProperties).res ?? undefined;
}

function agentOf(request: ClientRequest): unknown {
  return (request as unknown as KnownProperties).agent ?? undefined;
}

/** Without an agent nobody tells where a request goes but its own header. */
function addressOf(request: ClientRequest): Address {
  const { host, port } = parseUrl(`http://${String(request.getHeader('host'))}`) ?? {};
  return { host: host ?? request.host, port: port ?? null };
}

/** @returns `undefined` where the address cannot be written as a URL */
function urlOf(request: ClientRequest, { host, port }: Address): URL | undefined {
  const { protocol, path } = request;
  const name = host ?? request.host;
  const authority = name.includes(':') && !name.startsWith('[') ? `[${name}]` : name;
  const base = parseUrl(`${protocol}//${authority}${port == null ? '' : `:${port}`}`);
  if (base === undefined) return undefined;
  // A request to a proxy has a whole URL as its path.
  return parseUrl(path.startsWith('/') ? `${base.origin}${path}` : path, base.origin) ?? base;
}
