import type { BusSession } from '../cluster/bus-session.js';

/** What a bus does over its connections to Redis, whichever library they are of. */
export interface RedisSession extends BusSession {
  /** Runs a script on the server that has a key. */
  evaluate(script: string, key: string, ...args: string[]): Promise<unknown>;
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
