import type { OpenSession } from '../cluster/bus-session.js';
import { loadIfInstalled } from '../scope/load-peer.js';
import { isObject, memberOf } from '../scope/plain-object.js';
import { type IoredisBusClient, type IoredisBusCluster, openIoredis } from './ioredis-session.js';
import {
  type NodeRedisBusClient,
  type NodeRedisBusCluster,
  type NodeRedisBusSentinel,
  openNodeRedis,
  openNodeRedisCluster,
  openNodeRedisSentinel,
} from './node-redis-session.js';
import type { RedisSession } from './redis-session.js';

export const KNOWN_CLIENTS =
  'a client of ioredis (new Redis(), new Cluster()) or of redis (createClient(), ' +
  'createCluster(), createSentinel())';

/**
 * How a session is opened with the server of a client.
 *
 * @returns `undefined` for what is no client that is known
 */
export function sessionsOf(client: unknown): OpenSession<RedisSession> | undefined {
  if (!isObject(client)) return undefined;
  const has = (name: string) => typeof memberOf(client, name) === 'function';
  if (typeof memberOf(client, 'isCluster') === 'boolean' && has('duplicate') && has('subscribe')) {
    return (connections) =>
      openIoredis(client as IoredisBusClient | IoredisBusCluster, connections);
  }
  if (!has('sendCommand') || !has('subscribe')) return undefined;
  if (has('nodeClient') && has('duplicate')) {
    return (connections) => openNodeRedisCluster(client as NodeRedisBusCluster, connections);
  }
  if (has('getMasterNode')) {
    return (connections) => openNodeRedisSentinel(client as NodeRedisBusSentinel, connections);
  }
  if (!has('duplicate') || !has('unref')) return undefined;
  return (connections) => openNodeRedis(client as NodeRedisBusClient, connections);
}

/**
 * How a session is opened with the server of an address, by the library that is installed.
 *
 * @param tls options of `tls.connect()`
 * @throws Error that says what to install
 */
export async function sessionsAt(
  url: string,
  tls: object | undefined,
): Promise<OpenSession<RedisSession>> {
  // The libraries ignore the options, or refuse them, unless the address agrees.
  const withoutTls = tls === undefined ? url : url.replace(/^rediss:/, 'redis:');
  const ioredis = await loadIfInstalled('ioredis', () => import('ioredis'));
  if (ioredis !== undefined) {
    const { default: Redis } = ioredis as unknown as {
      default: new (url: string, options: object) => IoredisBusClient;
    };
    const client = new Redis(withoutTls, { lazyConnect: true, ...(tls && { tls }) });
    return (connections) => openIoredis(client, connections);
  }
  const redis = await loadIfInstalled('redis', () => import('redis'));
  if (redis === undefined) {
    throw new Error(
      'redisBus() needs the package ioredis or redis: npm install ioredis, or npm install redis',
    );
  }
  const withTls = tls === undefined ? url : url.replace(/^redis:/, 'rediss:');
  const client = redis.createClient({
    url: withTls,
    ...(tls && { socket: { ...tls, tls: true } }),
  }) as unknown as NodeRedisBusClient;
  return (connections) => openNodeRedis(client, connections);
}
