import {
  type BusConnections,
  type BusSession,
  OPENING_LIMIT,
  type OpenSession,
} from '../cluster/bus-session.js';
import { noop } from '../scope/thenable.js';
import { findServer } from './find-server.js';

/** The part of `@nats-io/transport-node` that is used. */
export interface NatsLibrary {
  connect(options: object): Promise<NatsBusConnection>;
}

interface NatsMessage {
  readonly data: Uint8Array;
  /** Where an answer is waited for. */
  readonly reply?: string;
  respond(): boolean;
}

interface NatsSubscription {
  unsubscribe(): void;
}

interface NatsStatuses extends AsyncIterable<{ readonly type: string; readonly error?: unknown }> {
  stop?(): void;
}

/** A connection, ours or the user's. */
export interface NatsBusConnection {
  /** What keeps a process alive is reached here alone. */
  readonly protocol?: {
    readonly transport?: { readonly socket?: { unref?(): void } };
    readonly heartbeats?: { cancel?(): void };
  };
  publish(subject: string, message: string): void;
  subscribe(
    subject: string,
    options: { callback: (error: Error | null, message: NatsMessage) => void },
  ): NatsSubscription;
  request(subject: string, message: string, options: object): Promise<NatsMessage>;
  flush(): Promise<void>;
  status(): NatsStatuses;
  isClosed(): boolean;
  closed(): Promise<unknown>;
  close(): Promise<void>;
}

/** Milliseconds in which an instance that is not frozen says that it listens. */
const PROBE_LIMIT = 500;
/** The longest time of a timer, in milliseconds: the library's own pings are not needed. */
const NEVER = 2 ** 31 - 1;

/** How a session is opened over a connection of the user's, which connects again by itself. */
export function sessionsOf(connection: NatsBusConnection): OpenSession<BusSession> {
  return (connections) => {
    if (connection.isClosed()) throw new Error('the connection that was given is closed');
    const statuses = connection.status();
    connections.add(() => statuses.stop?.());
    watchStatuses(statuses, connections).catch(noop);
    return openOver(connection, connections);
  };
}

/** What is handed on to the library. */
export interface ConnectingOptions {
  readonly tls?: { readonly handshakeFirst?: unknown };
}

/** How a session is opened with one of several servers. */
export function sessionsAt(
  library: NatsLibrary,
  servers: readonly string[],
  options: ConnectingOptions,
): OpenSession<BusSession> {
  return async (connections) => {
    // With TLS from the first byte on, a server does not greet.
    const found =
      options.tls?.handshakeFirst === true ? servers : await findServer(servers, connections);
    const connection = await library.connect({
      ...options,
      servers: found,
      noEcho: false,
      pingInterval: NEVER,
      reconnect: false,
      timeout: OPENING_LIMIT,
    });
    connections.add(() => void connection.close().catch(noop));
    connection.protocol?.heartbeats?.cancel?.();
    connection.protocol?.transport?.socket?.unref?.();
    connection.closed().then(
      (error) => connections.fail(error ?? new Error('the connection was closed')),
      (error: unknown) => connections.fail(error),
    );
    return openOver(connection, connections);
  };
}

/** What was sent while it was disconnected is lost, even if it is connected again. */
async function watchStatuses(statuses: NatsStatuses, connections: BusConnections): Promise<void> {
  for await (const { type } of statuses) {
    if (type === 'disconnect' || type === 'close') {
      connections.fail(new Error('the connection was lost'));
    }
  }
}

function openOver(connection: NatsBusConnection, connections: BusConnections): Promise<BusSession> {
  const subscriptions = new Map<string, NatsSubscription>();
  connections.add(() => {
    if (connection.isClosed()) return;
    for (const subscription of subscriptions.values()) subscription.unsubscribe();
  });
  return Promise.resolve({
    async publish(subject, message) {
      connection.publish(subject, message);
      await connection.flush();
    },
    async subscribe(subject) {
      const subscription = connection.subscribe(subject, {
        callback: (error, message) => {
          if (error !== null) connections.fail(error);
          // A question whether somebody listens: no message asks for an answer.
          else if (message.reply) message.respond();
          else connections.received(subject, textOf(message.data));
        },
      });
      subscriptions.set(subject, subscription);
      await connection.flush();
    },
    async unsubscribe(subject) {
      subscriptions.get(subject)?.unsubscribe();
      subscriptions.delete(subject);
      await connection.flush();
    },
    isHeard: (subject) => isHeard(connection, subject),
  });
}

/** The server itself answers when nobody listens; whoever is frozen does not. */
async function isHeard(connection: NatsBusConnection, subject: string): Promise<boolean> {
  try {
    await connection.request(subject, '', { timeout: PROBE_LIMIT });
    return true;
  } catch (error) {
    const names = namesOf(error);
    if (names.includes('NoResponders')) return false;
    if (!names.includes('TimeoutError')) throw error;
    // The server is there, and did not say that nobody listens.
    await connection.flush();
    return true;
  }
}

/** Of an error and of what it comes from. */
function namesOf(error: unknown): unknown[] {
  const { name, cause } = error as { name?: unknown; cause?: { name?: unknown } };
  return [name, cause?.name];
}

/** The library's own way leaves out a byte order mark. */
function textOf({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('utf8');
}
