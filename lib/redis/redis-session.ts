import type { BusConnections, BusSession } from '../cluster/bus-session.js';
import { KeptConnections } from '../scope/kept-connections.js';

/** What a bus does over its connections to Redis, whichever library they are of. */
export interface RedisSession extends BusSession {
  /** Runs a script on the server that has a key. */
  evaluate(script: string, key: string, ...args: string[]): Promise<unknown>;
}

/** Milliseconds after which a client of a cluster that nobody needs is closed. */
const KEPT = 10_000;

/** Uses a client of a cluster, which is opened when it is needed. */
export type UseCluster<Cluster> = <Result>(
  work: (cluster: Cluster) => Promise<Result>,
) => Promise<Result>;

/** @param close closes a client, in whatever state it is */
export function clusterOnDemand<Cluster>(
  connections: BusConnections,
  open: () => Promise<Cluster>,
  close: (cluster: Cluster) => void,
): UseCluster<Cluster> {
  const clusters = new KeptConnections<Cluster>({ idle: KEPT, close, destroy: close });
  connections.add(() => clusters.close());
  return (work) => clusters.use(connections, open, async (opened) => work(await opened));
}

/** @throws Error where there is none */
export function anyOf<Node>(nodes: readonly Node[]): Node {
  const node = nodes[Math.floor(Math.random() * nodes.length)];
  if (node === undefined) throw new Error('the cluster has no node');
  return node;
}

/** @param reply of `PUBSUB NUMSUB` for one channel: its name and a number */
export function countIn(reply: unknown): number {
  return Number((reply as readonly unknown[])[1]);
}

/**
 * Whether a channel is heard anywhere, by what each server says.
 *
 * @returns `undefined`: nowhere, as far as they have answered
 */
export async function isHeardBy(counts: readonly Promise<number>[]): Promise<boolean | undefined> {
  const settled = await Promise.allSettled(counts);
  if (settled.some((one) => one.status === 'fulfilled' && one.value > 0)) return true;
  return settled.every((one) => one.status === 'fulfilled') ? false : undefined;
}
