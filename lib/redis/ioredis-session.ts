import { type BusConnections, OPENING_LIMIT } from '../cluster/bus-session.js';
import { anyOf, clusterOnDemand, countIn, isHeardBy, type RedisSession } from './redis-session.js';

/** A client of ioredis that leads to one server, by itself or through sentinels. */
export interface IoredisBusClient {
  readonly isCluster: false;
  readonly stream?: { unref?(): void; destroy?(): void } | undefined;
  duplicate(options: object): IoredisBusClient;
  connect(): Promise<void>;
  disconnect(): void;
  on(event: string, listener: (...args: never[]) => void): void;
  publish(channel: string, message: string): Promise<unknown>;
  subscribe(channel: string): Promise<unknown>;
  unsubscribe(channel: string): Promise<unknown>;
  call(name: string, ...args: string[]): Promise<unknown>;
}

/** A client of ioredis for a Redis Cluster. */
export interface IoredisBusCluster {
  readonly isCluster: true;
  duplicate(nodes: readonly never[], options: object): IoredisBusCluster;
  connect(): Promise<void>;
  disconnect(): void;
  on(event: string, listener: (...args: never[]) => void): void;
  nodes(role: 'all' | 'master'): IoredisBusClient[];
  eval(script: string, keys: number, ...args: string[]): Promise<unknown>;
}

/** The options of the user's client are for its own commands. */
const SETTINGS = {
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  commandTimeout: undefined,
  enableAutoPipelining: false,
  enableOfflineQueue: true,
  enableReadyCheck: false,
  failoverDetector: false,
  himportFieldsets: undefined,
  keyPrefix: undefined,
  lazyConnect: true,
  maxRetriesPerRequest: null,
  monitor: false,
  readOnly: false,
  reconnectOnError: null,
  retryStrategy: null,
  role: 'master',
  scripts: undefined,
  sentinelRetryStrategy: null,
  socketTimeout: undefined,
};

export function openIoredis(
  client: IoredisBusClient | IoredisBusCluster,
  connections: BusConnections,
): Promise<RedisSession> {
  return client.isCluster ? openCluster(client, connections) : openServer(client, connections);
}

async function openServer(
  client: IoredisBusClient,
  connections: BusConnections,
): Promise<RedisSession> {
  const [subscriber, publisher] = await Promise.all([
    connect(client, connections),
    connect(client, connections),
  ]);
  subscriber.on('message', (channel: string, message: string) =>
    connections.received(channel, message),
  );
  return {
    publish: (channel, message) => publisher.publish(channel, message),
    subscribe: (channel) => subscriber.subscribe(channel),
    unsubscribe: (channel) => subscriber.unsubscribe(channel),
    evaluate: (script, key, ...args) => publisher.call('EVAL', script, '1', key, ...args),
    isHeard: async (channel) => (await countOn(publisher, channel)) > 0,
  };
}

/** Messages go over one node, which passes them on; only leases are asked of the node they are on. */
async function openCluster(
  client: IoredisBusCluster,
  connections: BusConnections,
): Promise<RedisSession> {
  const use = clusterOnDemand(
    connections,
    () => connectCluster(client),
    (cluster) => cluster.disconnect(),
  );
  const node = await use((cluster) => Promise.resolve(anyOf(cluster.nodes('master'))));
  const session = await openServer(node, connections);
  return {
    ...session,
    evaluate: (script, key, ...args) => use((cluster) => cluster.eval(script, 1, key, ...args)),
    isHeard: (channel) =>
      use((cluster) => isHeardBy(cluster.nodes('all').map((each) => countOn(each, channel)))),
  };
}

async function connect(
  client: IoredisBusClient,
  connections: BusConnections,
): Promise<IoredisBusClient> {
  const made = client.duplicate(SETTINGS);
  made.on('error', (error: Error) => connections.fail(error));
  made.on('end', () => connections.fail(new Error('the connection was closed')));
  keepsNothingAlive(made);
  connections.add(() => {
    made.disconnect();
    // A server that is frozen does not end a connection either.
    made.stream?.destroy?.();
  });
  await made.connect();
  return made;
}

async function connectCluster(client: IoredisBusCluster): Promise<IoredisBusCluster> {
  const cluster = client.duplicate([], {
    clusterRetryStrategy: null,
    enableAutoPipelining: false,
    enableOfflineQueue: true,
    keyPrefix: undefined,
    lazyConnect: true,
    redisOptions: {
      commandTimeout: undefined,
      connectTimeout: OPENING_LIMIT,
      keyPrefix: undefined,
    },
    scripts: undefined,
    shardedSubscribers: false,
    slotsRefreshInterval: 0,
  });
  const failed = new Promise<never>((_resolve, reject) => {
    cluster.on('error', reject);
  });
  cluster.on('+node', keepsNothingAlive);
  // What the nodes fail with says more than what the cluster does.
  await Promise.race([cluster.connect(), failed]).catch(
    (error: Error & { lastNodeError?: Error }) => {
      cluster.disconnect();
      throw error.lastNodeError ?? error;
    },
  );
  failed.catch(() => {});
  return cluster;
}

function keepsNothingAlive(client: IoredisBusClient): void {
  const unref = () => client.stream?.unref?.();
  client.on('connecting', () => setImmediate(unref));
  client.on('connect', unref);
}

async function countOn(client: IoredisBusClient, channel: string): Promise<number> {
  return countIn(await client.call('PUBSUB', 'NUMSUB', channel));
}
