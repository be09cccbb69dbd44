import type { OpenSession } from '../cluster/bus-session.js';
import type { CancelationBus, ClusterLeases } from '../cluster/cancelation-bus.js';
import { SessionBus } from '../cluster/session-bus.js';
import { loadPeer } from '../scope/load-peer.js';
import { isObject, isRecord, memberOf } from '../scope/plain-object.js';
import { countOf, type OptionReader, readOptions, readText, refuse } from '../scope/validate.js';
import { isAddress } from './find-server.js';
import { ENTRY_KEPT, NatsLeases } from './nats-leases.js';
import type { LoadLibrary, NatsBusConnection, NatsLibrary } from './nats-library.js';
import { type NatsSession, sessionsAt, sessionsOf } from './nats-session.js';
import { bucketOf, subjectOf } from './subjects.js';

/**
 * Options of `natsBus()`: a connection, or servers and how to connect to them.
 *
 * @publicApi
 */
export interface NatsBusOptions {
  /** A connection of `@nats-io/transport-node`. It is used together with you, and never closed. */
  readonly connection?: object;
  /** Addresses, `'localhost:4222'`, to one of which a connection is made. */
  readonly servers?: string | readonly string[];
  /** As for `connect()` of the library. Default: none. */
  readonly user?: string;
  /** As for `connect()` of the library. Default: none. */
  readonly pass?: string;
  /** As for `connect()` of the library. Default: none. */
  readonly token?: string;
  /** An authenticator of the library, or several. Default: none. */
  readonly authenticator?: unknown;
  /** Options of the library for TLS. Default: as the server asks. */
  readonly tls?: object;
  /** The name of the connection, for those who look at the server. Default: none. */
  readonly name?: string;
  /** What the subjects of answers begin with. Default: `'_INBOX'`. */
  readonly inboxPrefix?: string;
  /**
   * What subjects begin with: letters, digits, `-`, `_`, with `.` between. Services that are not to
   * hear each other need different ones. Default: `'cancelable'`.
   */
  readonly prefix?: string;
  /** Signs messages, and has those ignored that are not signed by it. Default: none. */
  readonly secret?: string;
  /** How the bucket of leases is made, if it is not there yet. */
  readonly leases?: NatsLeaseOptions;
}

/**
 * Options for the leases of `natsBus()`.
 *
 * @publicApi
 */
export interface NatsLeaseOptions {
  /**
   * How many servers of a cluster keep the leases: with 3, they outlive one that is lost. Default: 1.
   */
  readonly replicas?: number;
}

/**
 * A bus over NATS, for `cluster: { bus }`: one connection for each instance, and no message for an
 * operation that nobody asks about. Leases, for `exclusive: { scope: 'cluster' }`, are kept in
 * JetStream: without it (`nats-server -js`), a method that needs one stops the start-up.
 *
 * It connects again by itself, for as long as it takes; calls fail meanwhile, within 2 s. Nothing of
 * it keeps a process alive.
 *
 * @throws TypeError for options that can never work
 * @throws Error from `open()`: `@nats-io/transport-node` is not installed
 * @example
 * CancelableModule.forRoot({
 *   cluster: { bus: natsBus({ servers: 'localhost:4222' }), service: 'reports' },
 * });
 * @publicApi
 */
export function natsBus(options: NatsBusOptions): CancelationBus {
  const read = readOptions(options, 'natsBus()', {
    connection: readConnection,
    servers: readServers,
    prefix: readPrefix,
    secret: readText,
    leases: (value, where) => {
      readOptions(value as NatsLeaseOptions, where, { replicas: countOf(1) });
    },
    ...CONNECTING,
  });
  const { connection, servers, prefix = 'cancelable', secret, leases, ...connecting } = read;
  if ((connection === undefined) === (servers === undefined)) {
    throw new TypeError('natsBus(): give either a connection or servers.');
  }
  const [extra] = Object.keys(connecting);
  if (connection !== undefined && extra !== undefined) {
    throw new TypeError(`natsBus(): ${extra} is for servers. A connection has options of its own.`);
  }
  const replicas = leases?.replicas ?? 1;
  const bucket = { bucket: bucketOf(prefix), replicas, kept: ENTRY_KEPT };
  const settings = { library: loadLibrary, bucket };
  const load = async (): Promise<OpenSession<NatsSession>> => {
    if (connection !== undefined) return sessionsOf(connection as NatsBusConnection, settings);
    const addresses = [servers ?? []].flat();
    return sessionsAt(await loadLibrary(), addresses, connecting, settings);
  };
  return new NatsBus(prefix, secret, load);
}

class NatsBus extends SessionBus<NatsSession> {
  override readonly leases: ClusterLeases;

  constructor(
    prefix: string,
    secret: string | undefined,
    load: () => Promise<OpenSession<NatsSession>>,
  ) {
    const nameOf = (channel: string) => subjectOf(prefix, channel);
    super({ name: 'nats', server: 'NATS', secret, nameOf, load });
    this.leases = new NatsLeases(this);
  }
}

const loadLibrary: LoadLibrary = async () => {
  const library = await loadPeer(
    '@nats-io/transport-node',
    'natsBus()',
    () => import('@nats-io/transport-node'),
  );
  return library as unknown as NatsLibrary;
};

/** What is handed on to the library. */
const CONNECTING: Readonly<Record<string, OptionReader>> = {
  user: readText,
  pass: readText,
  token: readText,
  authenticator: (value, where) => {
    const isOne = (each: unknown) => typeof each === 'function';
    if (isOne(value) || (Array.isArray(value) && value.every(isOne))) return;
    refuse(where, value, 'an authenticator of the library, or several');
  },
  tls: (value, where) => {
    if (!isRecord(value)) refuse(where, value, 'options of the library for TLS');
  },
  name: readText,
  inboxPrefix: readText,
};

function readConnection(value: unknown, where: string): void {
  const has = (name: string) => isObject(value) && typeof memberOf(value, name) === 'function';
  if (!['publish', 'subscribe', 'request', 'flush', 'status'].every(has)) {
    refuse(where, value, 'a connection of @nats-io/transport-node');
  }
  const { options } = value as { options?: { noEcho?: unknown } };
  if (options?.noEcho === true) {
    throw new TypeError(
      `${where}: with noEcho, the bus does not hear itself. Give it a connection without.`,
    );
  }
}

function readServers(value: unknown, where: string): void {
  const isOne = (each: unknown) => typeof each === 'string' && isAddress(each);
  if (isOne(value) || (Array.isArray(value) && value.length > 0 && value.every(isOne))) return;
  refuse(where, value, "an address such as 'localhost:4222', or several");
}

function readPrefix(value: unknown, where: string): void {
  const isPrefix = typeof value === 'string' && value.length <= 100;
  if (isPrefix && /^[\w-]+(?:\.[\w-]+)*$/.test(value)) return;
  refuse(where, value, 'up to 100 letters, digits, - and _, with . between');
}
