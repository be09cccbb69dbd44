import type { DashboardOperation, FeedMessages } from '../../api-types.js';
import { isLive } from '../logic/marks.js';
import { clock } from './clock.js';
import type { Readable } from './store.js';

/** Milliseconds for which one that has ended is still known, so that a table can say how it ended. */
const FAREWELL = 2_000;

/** Ids that are remembered while nobody takes them; beyond, all count as changed. */
const MOST_TOUCHED = 20_000;

/**
 * The live operations, as far as the feed has told of them. Whoever listens hears of all changes of a
 * frame at once.
 */
export class LiveOperations implements Readable<number> {
  readonly all = new Map<string, DashboardOperation>();
  private readonly ended = new Map<string, DashboardOperation>();
  private readonly listeners = new Set<() => void>();
  private version = 0;
  private frame: number | undefined;
  /** Ids that ended while a list was on its way, which may still have them. */
  private goneMeanwhile: Set<string> | undefined;
  private readonly toldMeanwhile = new Set<string>();

  private touched: Set<string> | undefined;

  /** Grows with each change. */
  get(): number {
    return this.version;
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** One that lives, or has ended just now. */
  latest(id: string): DashboardOperation | undefined {
    return this.all.get(id) ?? this.ended.get(id);
  }

  /** @returns the ids of what has changed since this was asked; `undefined`: all may have */
  takeTouched(): ReadonlySet<string> | undefined {
    const { touched } = this;
    this.touched = new Set();
    return touched;
  }

  /** A list is asked for; what changes until it comes is newer. */
  beginList(): void {
    this.goneMeanwhile = new Set();
    this.toldMeanwhile.clear();
  }

  /** @param operations all that live */
  finishList(operations: readonly DashboardOperation[]): void {
    const gone = this.goneMeanwhile ?? new Set();
    const listed = new Map<string, DashboardOperation>();
    for (const operation of operations) {
      if (gone.has(operation.id)) continue;
      const known = this.all.get(operation.id);
      const isKnownNewer = known !== undefined && known.durationMs > operation.durationMs;
      listed.set(operation.id, isKnownNewer ? known : operation);
    }
    // What began after the list was made, only the feed has told of.
    for (const id of this.toldMeanwhile) {
      const operation = this.all.get(id);
      if (operation !== undefined && !listed.has(id)) listed.set(id, operation);
    }
    this.all.clear();
    for (const [id, operation] of listed) this.all.set(id, operation);
    this.goneMeanwhile = undefined;
    this.toldMeanwhile.clear();
    this.touched = undefined;
    this.changed();
  }

  merge({ operations, gone }: FeedMessages['changes']): void {
    for (const operation of operations) {
      if (isLive(operation)) {
        this.all.set(operation.id, operation);
        this.touch(operation.id);
        if (this.goneMeanwhile !== undefined) this.toldMeanwhile.add(operation.id);
      } else {
        this.end(operation.id, operation);
      }
    }
    for (const id of gone) this.end(id, undefined);
    this.changed();
  }

  clear(): void {
    this.all.clear();
    this.ended.clear();
    this.touched = undefined;
    this.changed();
  }

  private end(id: string, operation: DashboardOperation | undefined): void {
    this.all.delete(id);
    this.touch(id);
    this.goneMeanwhile?.add(id);
    if (operation !== undefined) this.ended.set(id, operation);
  }

  private touch(id: string): void {
    this.touched?.add(id);
    if (this.touched !== undefined && this.touched.size > MOST_TOUCHED) this.touched = undefined;
  }

  private changed(): void {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = undefined;
      this.version++;
      this.forget();
      for (const listener of [...this.listeners]) listener();
    });
  }

  private forget(): void {
    const until = clock.now() - FAREWELL;
    for (const [id, { endedAt }] of this.ended) {
      if (endedAt === undefined || Date.parse(endedAt) < until) this.ended.delete(id);
      else break;
    }
  }
}
