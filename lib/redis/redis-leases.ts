import type { ClusterLeases } from '../cluster/cancelation-bus.js';
import type { SessionBus } from '../cluster/session-bus.js';
import type { RedisSession } from './redis-session.js';

/** KEYS: the lease. ARGV: the holder, milliseconds, `1` to take it from whoever holds it. */
const ACQUIRE = `
local held = redis.call('GET', KEYS[1])
local taken = held and held ~= ARGV[1]
if taken and ARGV[3] ~= '1' then return held end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return taken and held
`;

/** KEYS: the lease. ARGV: the holder. */
const RELEASE = `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return false
`;

/** A lease is a key that the server lets expire. Each step is one script on one key. */
export class RedisLeases implements ClusterLeases {
  constructor(
    private readonly prefix: string,
    private readonly bus: SessionBus<RedisSession>,
  ) {}

  async acquire(
    key: string,
    holder: string,
    time: number,
    force = false,
  ): Promise<string | undefined> {
    const milliseconds = String(Math.max(1, Math.ceil(time)));
    const former = await this.bus.use('to acquire a lease', (session) =>
      session.evaluate(ACQUIRE, this.nameOf(key), holder, milliseconds, force ? '1' : '0'),
    );
    return former === null || former === undefined ? undefined : String(former);
  }

  async release(key: string, holder: string): Promise<void> {
    await this.bus.use('to release a lease', (session) =>
      session.evaluate(RELEASE, this.nameOf(key), holder),
    );
  }

  private nameOf(key: string): string {
    return `${this.prefix}:lease:${key}`;
  }
}
