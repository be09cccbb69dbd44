import type {
  CancelationBus,
  CancelationBusHost,
  ClusterLeases,
} from '../cluster/cancelation-bus.js';
import { isRecord } from '../scope/plain-object.js';
import { readOptions, readText, refuse } from '../scope/validate.js';
import { KNOWN_CLIENTS, sessionsAt, sessionsOf } from './bus-client.js';
import { BusLink } from './bus-link.js';
import type { OpenSession } from './bus-session.js';
import { RedisLeases } from './redis-leases.js';

/**
 * Options of `redisBus()`: a client, or an address.
 *
 * @publicApi
 */
export interface RedisBusOptions {
  /**
   * A client of `ioredis` (`new Redis()`, `new Cluster()`) or of `redis` (`createClient()`,
   * `createCluster()`, `createSentinel()`). It is duplicated, and never closed.
   */
  readonly client?: object;
  /**
   * An address, `redis://…` or `rediss://…`, for which a client of `ioredis` is made, or of `redis`
   * where that is what is installed.
   */
  readonly url?: string;
  /** Connects to `url` by TLS, with these options of `tls.connect()`. Default: for `rediss://…`. */
  readonly tls?: boolean | object;
  /**
   * What the names of channels and keys begin with: letters, digits, `-`, `_`, `.` and `:`. Services
   * that are not to hear each other need different ones. Default: `'cancelable'`.
   */
  readonly prefix?: string;
  /** Signs messages, and has those ignored that are not signed by it. Default: none. */
  readonly secret?: string;
}

/**
 * A bus over Redis, for `cluster: { bus }`: two connections for each instance, and no command for an
 * operation that nobody asks about. Messages go by PUBLISH, leases are keys that expire.
 *
 * It connects again by itself, for as long as it takes; calls fail meanwhile, within 2 s. Nothing of
 * it keeps a process alive.
 *
 * @throws TypeError for options that can never work
 * @throws Error from `open()`: neither `ioredis` nor `redis` is installed, for `url`
 * @example
 * CancelableModule.forRoot({
 *   cluster: { bus: redisBus({ url: 'redis://localhost' }), service: 'reports' },
 * });
 * @publicApi
 */
export function redisBus(options: RedisBusOptions): CancelationBus {
  const read = readOptions(options, 'redisBus()', {
    client: (value, where) => {
      if (sessionsOf(value) === undefined) refuse(where, value, KNOWN_CLIENTS);
    },
    url: readUrl,
    tls: (value, where) => {
      if (typeof value !== 'boolean' && !isRecord(value)) {
        refuse(where, value, 'true, false or options of tls.connect()');
      }
    },
    prefix: readPrefix,
    secret: readText,
  });
  const { client, url, tls, prefix = 'cancelable', secret } = read;
  if ((client === undefined) === (url === undefined)) {
    throw new TypeError('redisBus(): give either a client or a url.');
  }
  if (url === undefined && tls !== undefined) {
    throw new TypeError('redisBus(): tls is for a url. A client has options of its own.');
  }
  const tlsOptions = tls === true ? {} : tls === false ? undefined : tls;
  const load = () =>
    url === undefined ? Promise.resolve(sessionsOf(client)!) : sessionsAt(url, tlsOptions);
  return new RedisBus(load, prefix, secret);
}

type Listener = (message: string) => void;

class RedisBus implements CancelationBus {
  readonly name = 'redis';
  readonly leases: ClusterLeases;
  private readonly channels = new Map<string, Set<Listener>>();
  private link: BusLink | undefined = undefined;

  constructor(
    private readonly load: () => Promise<OpenSession>,
    private readonly prefix: string,
    readonly secret: string | undefined,
  ) {
    this.leases = new RedisLeases(prefix, () => this.opened());
  }

  async open(host: CancelationBusHost): Promise<void> {
    if (this.link !== undefined) throw new Error('redisBus(): the bus is open already');
    const openSession = await this.load();
    const { prefix, channels } = this;
    this.link = new BusLink(openSession, {
      host,
      prefix,
      received: (channel, message) => {
        for (const listener of channels.get(channel) ?? []) listener(message);
      },
    });
    await this.link.open();
  }

  async publish(channel: string, message: string): Promise<void> {
    await this.opened().use('publish()', (session) =>
      session.publish(this.nameOf(channel), message),
    );
  }

  async subscribe(channel: string, listener: Listener): Promise<() => Promise<void>> {
    const link = this.opened();
    const name = this.nameOf(channel);
    const own: Listener = (message) => listener(message);
    const listeners = this.channels.get(name) ?? new Set();
    this.channels.set(name, listeners.add(own));
    await link.listen(name);
    return async () => {
      if (!listeners.delete(own) || listeners.size > 0) return;
      if (this.channels.get(name) !== listeners) return;
      this.channels.delete(name);
      await link.leave(name);
    };
  }

  async isHeard(channel: string): Promise<boolean | undefined> {
    const counts = await this.opened().use('isHeard()', (session) =>
      session.countListeners(this.nameOf(channel)),
    );
    if (counts.some((count) => count !== undefined && count > 0)) return true;
    return counts.includes(undefined) ? undefined : false;
  }

  async close(): Promise<void> {
    const { link } = this;
    this.link = undefined;
    this.channels.clear();
    await link?.close();
  }

  private opened(): BusLink {
    if (this.link === undefined) throw new Error('redisBus(): the bus is not open');
    return this.link;
  }

  private nameOf(channel: string): string {
    return `${this.prefix}:${channel}`;
  }
}

const ADDRESSES = "an address such as 'redis://localhost:6379', or 'rediss://…' for TLS";

function readUrl(value: unknown, where: string): void {
  if (typeof value !== 'string') refuse(where, value, ADDRESSES);
  if (/^rediss?:\/\//.test(value) && URL.canParse(value)) return;
  // It may have a password in it, which belongs into no log.
  refuse(where, value.replace(/\/\/.*@/, '//…@'), ADDRESSES);
}

function readPrefix(value: unknown, where: string): void {
  if (typeof value === 'string' && /^[\w.:-]{1,100}$/.test(value)) return;
  refuse(where, value, 'up to 100 letters, digits, -, _, . and :');
}
