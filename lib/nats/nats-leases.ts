import { createHash } from 'node:crypto';
import { ANSWER_LIMIT } from '../cluster/bus-session.js';
import type { ClusterLeases } from '../cluster/cancelation-bus.js';
import type { SessionBus } from '../cluster/session-bus.js';
import { monotonicNow } from '../scope/clock.js';
import { isRecord, ownValue } from '../scope/plain-object.js';
import type { BucketEntry, LeaseBucket } from './lease-bucket.js';
import { LeasesRefused } from './leases-refused.js';
import type { NatsSession } from './nats-session.js';

/** Milliseconds of the longest lease. */
const LONGEST = 24 * 3_600_000;
/** Milliseconds that the server keeps an entry which nobody writes again: longer than any lease. */
export const ENTRY_KEPT = 2 * LONGEST;

/** What is written under a key. */
interface Lease {
  readonly holder: string;
  /** Milliseconds. */
  readonly time: number;
}

/**
 * A lease is an entry of a bucket, with the time that it lasts. Each write compares the revision
 * that was read, as the locks and elections over NATS do
 * (https://docs.nats.io/nats-concepts/jetstream/key-value-store).
 *
 * Whether it is over is told by the server's clock alone, as with a key of Redis that expires:
 * whoever finds the key taken writes something, and compares how the server stamps that with how it
 * has stamped the lease. A time to live of the server itself is one for the whole bucket before
 * NATS 2.11. To watch for how long the revision stays the same, as the leader election of Kubernetes
 * does (https://pkg.go.dev/k8s.io/client-go/tools/leaderelection), asks no clock of the server
 * either; but who looks for the first time, such as a job of every night, would have to wait.
 */
export class NatsLeases implements ClusterLeases {
  constructor(private readonly bus: SessionBus<NatsSession>) {}

  async check(): Promise<void> {
    try {
      await this.use('to look for JetStream', () => Promise.resolve());
    } catch (error) {
      // A server that is out of reach may have it.
      if ((error as Error).cause instanceof LeasesRefused) throw error;
    }
  }

  async acquire(
    key: string,
    holder: string,
    time: number,
    force = false,
  ): Promise<string | undefined> {
    if (time > LONGEST) throw new RangeError('natsBus(): a lease lasts for 24 hours at most');
    const name = nameOf(key);
    const lease: Lease = { holder, time: Math.max(1, Math.ceil(time)) };
    return this.use('to acquire a lease', async (bucket) => {
      const end = monotonicNow() + ANSWER_LIMIT;
      let former: string | undefined = undefined;
      let revision = 0;
      while (!(await bucket.write(name, JSON.stringify(lease), revision))) {
        const entry = await bucket.read(name);
        revision = entry?.revision ?? 0;
        former = entry && (await holderOf(entry, holder, bucket));
        if (former !== undefined && !force) return former;
        // Nobody waits for it any more.
        if (monotonicNow() > end) throw new Error('the key was taken again and again');
      }
      return former;
    });
  }

  async release(key: string, holder: string): Promise<void> {
    const name = nameOf(key);
    await this.use('to release a lease', async (bucket) => {
      const entry = await bucket.read(name);
      if (entry === undefined || readLease(entry).holder !== holder) return;
      await bucket.remove(name, entry.revision);
    });
  }

  private use<Result>(
    what: string,
    work: (bucket: LeaseBucket) => Promise<Result>,
  ): Promise<Result> {
    return this.bus.use(what, ({ bucket }) => bucket.use(work));
  }
}

/** @returns who has the key, if that is somebody else and the lease is not over */
async function holderOf(
  entry: BucketEntry,
  self: string,
  bucket: LeaseBucket,
): Promise<string | undefined> {
  const { holder, time } = readLease(entry);
  if (holder === self) return undefined;
  const age = (await bucket.now()) - entry.writtenAt;
  return age > time ? undefined : holder;
}

/** @throws Error for what somebody else has written */
function readLease({ text }: BucketEntry): Lease {
  const parsed = parse(text);
  if (isRecord(parsed)) {
    const [holder, time] = [ownValue(parsed, 'holder'), ownValue(parsed, 'time')];
    if (typeof holder === 'string' && typeof time === 'number') return { holder, time };
  }
  throw new Error('what is kept for the key is no lease');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A key may be any text, the name of an entry may not. */
function nameOf(key: string): string {
  return createHash('sha256').update(key).digest('base64url');
}
