import { monotonicNow } from '../scope/clock.js';
import { isRecord } from '../scope/plain-object.js';
import { isInstanceId } from './wire.js';

/** An instance of the service, as it was last heard of. */
export interface Member {
  readonly id: string;
  readonly name: string;
  /** By its own clock. ISO 8601. */
  readonly startedAt: string;
  /** How many operations are live there. */
  readonly live: number;
  readonly draining: boolean;
  /** How often it says that it is there, in milliseconds. */
  readonly every: number;
}

interface Known {
  member: Member;
  /** Monotonic milliseconds, by the clock of this instance. */
  heard: number;
}

/** How many of its own beats an instance may miss before one looks whether it is still there. */
const MISSED_BEATS = 3;
/** Milliseconds. */
export const LONGEST_BEAT = 10 * 60_000;
const MOST_MEMBERS = 10_000;

/** The other instances. Only how long ago something was heard counts, by the own clock. */
export class Members {
  private readonly known = new Map<string, Known>();

  /** @param ago milliseconds */
  heard(member: Member, ago = 0): void {
    const entry = this.known.get(member.id);
    const heard = monotonicNow() - ago;
    if (entry === undefined) {
      if (this.known.size < MOST_MEMBERS) this.known.set(member.id, { member, heard });
    } else if (heard >= entry.heard) {
      entry.member = member;
      entry.heard = heard;
    }
  }

  /** It has said something. */
  touch(id: string): void {
    const entry = this.known.get(id);
    if (entry !== undefined) entry.heard = monotonicNow();
  }

  left(id: string): void {
    this.known.delete(id);
  }

  get(id: string): Member | undefined {
    return this.known.get(id)?.member;
  }

  all(): Member[] {
    return [...this.known.values()].map(({ member }) => member);
  }

  /** Those that have missed their beats. */
  silent(): Member[] {
    return this.all().filter(({ id }) => this.isSilent(id));
  }

  isSilent(id: string): boolean {
    const entry = this.known.get(id);
    if (entry === undefined) return false;
    return monotonicNow() - entry.heard > MISSED_BEATS * entry.member.every;
  }

  /** Nobody could be heard for a while, which is nobody's fault: all count anew from now. */
  excuse(): void {
    for (const entry of this.known.values()) entry.heard = monotonicNow();
  }

  /** What a new instance is told of the others. */
  toGossip(): unknown[] {
    const now = monotonicNow();
    return [...this.known.values()].map(({ member, heard }) => ({
      ...member,
      ago: Math.round(now - heard),
    }));
  }
}

/** @returns `undefined` for what is no member */
export function readMember(value: unknown): Member | undefined {
  if (!isRecord(value)) return undefined;
  const { id, name, startedAt, live, draining, every } = value;
  if (!isInstanceId(id)) return undefined;
  if (typeof name !== 'string' || name.length > 256) return undefined;
  if (typeof startedAt !== 'string' || startedAt.length > 64) return undefined;
  if (typeof every !== 'number' || !(every > 0 && every <= LONGEST_BEAT)) return undefined;
  return {
    id,
    name,
    startedAt,
    live: Number.isSafeInteger(live) ? (live as number) : 0,
    draining: draining === true,
    every,
  };
}
