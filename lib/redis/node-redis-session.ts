import { type BusConnections, OPENING_LIMIT } from '../cluster/bus-session.js';
import { anyOf, clusterOnDemand, countIn, isHeardBy, type RedisSession } from './redis-session.js';

type Received = (message: string, channel: string) => void;

interface Subscriber {
  subscribe(channel: string, listener: Received): Promise<unknown>;
  unsubscribe(channel: string, listener: Received): Promise<unknown>;
}

interface Emitter {
  on(event: string, listener: (...args: never[]) => void): void;
  once(event: string, listener: (...args: never[]) => void): void;
}

/** A client of the package redis that leads to one server. */
export interface NodeRedisBusClient extends Subscriber, Emitter {
  readonly isOpen: boolean;
  readonly options?: { readonly socket?: object };
  duplicate(options: object): NodeRedisBusClient;
  connect(): Promise<unknown>;
  destroy(): void;
  unref(): void;
  sendCommand(args: readonly string[]): Promise<unknown>;
}

/** A client of the package redis for a Redis Cluster. */
export interface NodeRedisBusCluster extends Emitter {
  readonly isOpen: boolean;
  readonly masters: readonly ClusterNode[];
  readonly replicas: readonly ClusterNode[];
  readonly _options?: { readonly defaults?: { readonly socket?: object } };
  duplicate(options: object): NodeRedisBusCluster;
  connect(): Promise<unknown>;
  destroy(): void;
  nodeClient(node: ClusterNode): Promise<NodeRedisBusClient>;
  sendCommand(key: string, isReadonly: boolean, args: readonly string[]): Promise<unknown>;
}

interface ClusterNode {
  readonly client?: NodeRedisBusClient;
}

/** A client of the package redis that finds its server through sentinels. */
export interface NodeRedisBusSentinel extends Subscriber {
  getMasterNode(): unknown;
  sendCommand(isReadonly: boolean, args: readonly string[]): Promise<unknown>;
}

/** The options of the user's client are for its own commands. */
const SETTINGS = {
  clientSideCache: undefined,
  commandOptions: undefined,
  commandsQueueMaxLength: undefined,
  disableOfflineQueue: false,
  emitInvalidate: undefined,
  maintNotifications: 'disabled',
  pingInterval: undefined,
  readonly: false,
};

export async function openNodeRedis(
  client: NodeRedisBusClient,
  connections: BusConnections,
): Promise<RedisSession> {
  const [subscriber, publisher] = await Promise.all([
    connect(client, connections),
    connect(client, connections),
  ]);
  const send = (...args: string[]) => publisher.sendCommand(args);
  return {
    ...subscriptionsOf(subscriber, connections),
    publish: (channel, message) => send('PUBLISH', channel, message),
    evaluate: (script, key, ...args) => send('EVAL', script, '1', key, ...args),
    isHeard: async (channel) => (await countOn(publisher, channel)) > 0,
  };
}

/** Messages go over one node, which passes them on; only leases are asked of the node they are on. */
export async function openNodeRedisCluster(
  client: NodeRedisBusCluster,
  connections: BusConnections,
): Promise<RedisSession> {
  const use = clusterOnDemand(connections, () => connectCluster(client), destroy);
  const node = await use((cluster) => cluster.nodeClient(anyOf(cluster.masters)));
  const session = await openNodeRedis(node, connections);
  return {
    ...session,
    evaluate: (script, key, ...args) =>
      use((cluster) => cluster.sendCommand(key, false, ['EVAL', script, '1', key, ...args])),
    isHeard: (channel) =>
      use((cluster) => {
        const nodes = [...cluster.masters, ...cluster.replicas];
        return isHeardBy(
          nodes.map(async (each) => countOn(await cluster.nodeClient(each), channel)),
        );
      }),
  };
}

/** Such a client cannot be duplicated, and has connections of its own for what it subscribes to. */
export function openNodeRedisSentinel(
  client: NodeRedisBusSentinel,
  connections: BusConnections,
): Promise<RedisSession> {
  const send = (...args: string[]) => client.sendCommand(false, args);
  const { subscribe, unsubscribe } = subscriptionsOf(client, connections);
  const subscribed = new Set<string>();
  connections.add(() => {
    for (const channel of subscribed) unsubscribe(channel).catch(() => {});
  });
  return Promise.resolve({
    subscribe(channel) {
      subscribed.add(channel);
      return subscribe(channel);
    },
    unsubscribe(channel) {
      subscribed.delete(channel);
      return unsubscribe(channel);
    },
    publish: (channel, message) => send('PUBLISH', channel, message),
    evaluate: (script, key, ...args) => send('EVAL', script, '1', key, ...args),
    isHeard: async (channel) => countIn(await send('PUBSUB', 'NUMSUB', channel)) > 0,
  });
}

function subscriptionsOf(
  subscriber: Subscriber,
  connections: BusConnections,
): Pick<RedisSession, 'subscribe' | 'unsubscribe'> {
  const received: Received = (message, channel) => connections.received(channel, message);
  return {
    subscribe: (channel) => subscriber.subscribe(channel, received),
    unsubscribe: (channel) => subscriber.unsubscribe(channel, received),
  };
}

async function connect(
  client: NodeRedisBusClient,
  connections: BusConnections,
): Promise<NodeRedisBusClient> {
  const made = client.duplicate({
    ...SETTINGS,
    socket: {
      ...client.options?.socket,
      connectTimeout: OPENING_LIMIT,
      reconnectStrategy: false,
      socketTimeout: undefined,
    },
  });
  made.on('error', (error: Error) => connections.fail(error));
  made.on('end', () => connections.fail(new Error('the connection was closed')));
  made.unref();
  // Before it has a socket, there is nothing to be destroyed.
  let hasSocket = false;
  made.once('connect', () => (hasSocket = true));
  connections.add(() => {
    if (hasSocket) destroy(made);
    else made.once('connect', () => destroy(made));
  });
  await made.connect();
  return made;
}

async function connectCluster(client: NodeRedisBusCluster): Promise<NodeRedisBusCluster> {
  const defaults = client._options?.defaults;
  const cluster = client.duplicate({
    clientSideCache: undefined,
    commandOptions: undefined,
    defaults: {
      ...defaults,
      ...SETTINGS,
      disableOfflineQueue: true,
      socket: { ...defaults?.socket, connectTimeout: OPENING_LIMIT },
    },
    minimizeConnections: true,
    // Whoever listens to a node that has become a replica is still heard.
    useReplicas: true,
  });
  cluster.on('error', () => {});
  cluster.on('node-error', () => {});
  cluster.on('node-connect', () => {
    for (const node of [...cluster.masters, ...cluster.replicas]) node.client?.unref();
  });
  await cluster.connect();
  return cluster;
}

/** It may have lost its server already. */
function destroy(client: { readonly isOpen: boolean; destroy(): void }): void {
  if (client.isOpen) client.destroy();
}

async function countOn(client: NodeRedisBusClient, channel: string): Promise<number> {
  return countIn(await client.sendCommand(['PUBSUB', 'NUMSUB', channel]));
}
