import { wallNow } from '../scope/clock.js';
import { OperationState } from '../operation/operation-state.js';
import { type OperationSnapshot, snapshotOf } from '../operation/snapshot.js';
import { canBeFound, compact, isPlain } from './history-entry.js';
import { RememberedSubject } from './filter-subject.js';
import type { Matcher } from './operation-filter.js';

type Entry = OperationState | OperationSnapshot;

/**
 * The last operations that ended, in a ring. An operation that holds only its own facts is kept as
 * it is and turned into a snapshot when somebody looks; all others at once.
 */
export class History {
  private readonly ring: Entry[] = [];
  /** Where the next one goes, once the ring is full. */
  private position = 0;

  constructor(
    private readonly limit: number,
    private readonly maxAge: number,
  ) {}

  add(state: OperationState): void {
    if (this.limit === 0 || !canBeFound(state)) return;
    const entry = isPlain(state) ? state : compact(snapshotOf(state));
    if (this.ring.length < this.limit) {
      this.ring.push(entry);
    } else {
      this.ring[this.position] = entry;
      this.position = (this.position + 1) % this.limit;
    }
  }

  /** Oldest first; `limit` keeps the newest. */
  list(matcher: Matcher): OperationSnapshot[] {
    if (matcher.limit === 0) return [];
    const found = this.entries().filter(this.test(matcher)).map(toSnapshot);
    return matcher.limit === Infinity ? found : found.slice(-matcher.limit);
  }

  /** The newest: an id that a user chose may come again. */
  find(id: string, matcher: Matcher): OperationSnapshot | undefined {
    const isFresh = this.freshness();
    const { length } = this.ring;
    for (let age = 1; age <= length; age++) {
      const entry = this.ring[(this.position + length - age) % length] as Entry;
      const matches = entry instanceof OperationState ? entry.isNamed(id) : entry.id === id;
      if (!matches || !isFresh(entry)) continue;
      const snapshot = toSnapshot(entry);
      if (matcher.matches(new RememberedSubject(snapshot))) return snapshot;
    }
    return undefined;
  }

  /** @returns how many were forgotten */
  clear(matcher: Matcher): number {
    const entries = this.entries();
    const test = this.test(matcher);
    const gone = new Set(entries.filter(test));
    const removed =
      matcher.limit === Infinity ? gone : new Set([...gone].slice(-matcher.limit || gone.size));
    this.ring.length = 0;
    this.position = 0;
    this.ring.push(...entries.filter((entry) => !removed.has(entry)));
    return matcher.limit === 0 ? 0 : removed.size;
  }

  private entries(): Entry[] {
    return [...this.ring.slice(this.position), ...this.ring.slice(0, this.position)];
  }

  private test(matcher: Matcher): (entry: Entry) => boolean {
    const isFresh = this.freshness();
    if (matcher.all) return isFresh;
    return (entry) => isFresh(entry) && matcher.matches(new RememberedSubject(toSnapshot(entry)));
  }

  private freshness(): (entry: Entry) => boolean {
    if (this.maxAge === Infinity) return () => true;
    const oldest = wallNow() - this.maxAge;
    return (entry) =>
      entry instanceof OperationState
        ? entry.startedWall + (entry.duration ?? 0) >= oldest
        : Date.parse(entry.endedAt ?? entry.startedAt) >= oldest;
  }
}

function toSnapshot(entry: Entry): OperationSnapshot {
  return entry instanceof OperationState ? snapshotOf(entry) : entry;
}
