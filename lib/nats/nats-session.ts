import {
  type BusConnections,
  type BusSession,
  OPENING_LIMIT,
  type OpenSession,
} from '../cluster/bus-session.js';
import { noop } from '../scope/thenable.js';
import { findServer } from './find-server.js';
import { JetStream } from './jetstream.js';
import { type BucketSettings, LeaseBucket } from './lease-bucket.js';
import {
  isNoResponders,
  isTimeout,
  type LoadLibrary,
  type NatsBusConnection,
  type NatsLibrary,
  type NatsStatuses,
  type NatsSubscription,
  textOf,
} from './nats-library.js';

/** A session that also keeps leases. */
export interface NatsSession extends BusSession {
  readonly bucket: LeaseBucket;
}

/** What is the same for each session of a bus. */
export interface NatsSettings {
  readonly library: LoadLibrary;
  readonly bucket: BucketSettings;
}

/** Milliseconds in which an instance that is not frozen says that it listens. */
const PROBE_LIMIT = 500;
/** The longest time of a timer, in milliseconds: the library's own pings are not needed. */
const NEVER = 2 ** 31 - 1;

/** How a session is opened over a connection of the user's, which connects again by itself. */
export function sessionsOf(
  connection: NatsBusConnection,
  settings: NatsSettings,
): OpenSession<NatsSession> {
  return (connections) => {
    if (connection.isClosed()) throw new Error('the connection that was given is closed');
    const statuses = connection.status();
    connections.add(() => statuses.stop?.());
    watchStatuses(statuses, connections).catch(noop);
    return openOver(connection, connections, settings);
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
  settings: NatsSettings,
): OpenSession<NatsSession> {
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
    return openOver(connection, connections, settings);
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

function openOver(
  connection: NatsBusConnection,
  connections: BusConnections,
  { library, bucket }: NatsSettings,
): Promise<NatsSession> {
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
    bucket: new LeaseBucket(new JetStream(connection, library), bucket),
  });
}

/** The server itself answers when nobody listens; whoever is frozen does not. */
async function isHeard(connection: NatsBusConnection, subject: string): Promise<boolean> {
  try {
    await connection.request(subject, '', { timeout: PROBE_LIMIT });
    return true;
  } catch (error) {
    if (isNoResponders(error)) return false;
    if (!isTimeout(error)) throw error;
    // The server is there, and did not say that nobody listens.
    await connection.flush();
    return true;
  }
}
