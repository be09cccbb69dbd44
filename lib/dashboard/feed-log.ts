import type { OperationSnapshot } from '../operation/snapshot.js';
import type { OperationEvent } from '../registry/operation-events.js';

/** An operation that ended; what it was like is only read if somebody has to know. */
export interface Gone {
  readonly id: string;
  readonly event: OperationEvent;
}

/** What happened in one moment of the feed. */
export interface FeedEntry {
  readonly sequence: number;
  /** Each operation that changed, as it was in the end. */
  readonly operations: readonly OperationSnapshot[];
  /** Operations that ended, of which there were too many to be told of one by one. */
  readonly gone: readonly Gone[];
}

const MOST_ENTRIES = 600;
const MOST_OPERATIONS = 5_000;

/** The last entries, for those who come back. Bounded by entries and by what they hold. */
export class FeedLog {
  private readonly entries: FeedEntry[] = [];
  private held = 0;
  private last = 0;

  get sequence(): number {
    return this.last;
  }

  add(operations: readonly OperationSnapshot[], gone: readonly Gone[]): FeedEntry {
    const entry = { sequence: ++this.last, operations, gone };
    this.entries.push(entry);
    this.held += sizeOf(entry);
    while (this.entries.length > MOST_ENTRIES || this.held > MOST_OPERATIONS) {
      const oldest = this.entries.shift();
      if (oldest === undefined) break;
      this.held -= sizeOf(oldest);
    }
    return entry;
  }

  /** What came after an entry; `undefined` if some of it is forgotten, or it was never there. */
  since(sequence: number): readonly FeedEntry[] | undefined {
    if (sequence > this.last) return undefined;
    if (sequence === this.last) return [];
    const [oldest] = this.entries;
    if (oldest === undefined || oldest.sequence > sequence + 1) return undefined;
    return this.entries.filter((entry) => entry.sequence > sequence);
  }

  /** Nobody has listened for a time: whoever comes back has missed something. */
  interrupt(): void {
    this.entries.length = 0;
    this.held = 0;
    this.last++;
  }
}

function sizeOf({ operations, gone }: FeedEntry): number {
  return operations.length + gone.length;
}
