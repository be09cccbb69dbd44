import type { OpenSession } from '../cluster/bus-session.js';
import type { CancelationBus, ClusterLeases } from '../cluster/cancelation-bus.js';
import { SessionBus } from '../cluster/session-bus.js';
import { isRecord } from '../scope/plain-object.js';
import { readOptions, readText, refuse } from '../scope/validate.js';
import { KNOWN_CLIENTS, sessionsAt, sessionsOf } from './bus-client.js';
import { RedisLeases } from './redis-leases.js';
import type { RedisSession } from './redis-session.js';

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
  return new RedisBus(prefix, secret, load);
}

class RedisBus extends SessionBus<RedisSession> {
  override readonly leases: ClusterLeases;

  constructor(prefix: string, secret: string | undefined, load: Load) {
    const nameOf = (channel: string) => `${prefix}:${channel}`;
    super({ name: 'redis', server: 'Redis', secret, nameOf, load });
    this.leases = new RedisLeases(prefix, this);
  }
}

type Load = () => Promise<OpenSession<RedisSession>>;

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
