import type {
  OperationKind,
  OperationMetadata,
  OperationStatus,
} from '../operation/operation-options.js';
import { monotonicNow, wallNow } from '../scope/clock.js';
import { inTime } from '../scope/waiting.js';
import type { FilterSubject } from './filter-subject.js';
import type { Matcher } from './operation-filter.js';

/**
 * Work that an id names and that is no operation here: it waits outside, in a queue, or runs in
 * another process. Until it begins, scopes and filters see its name, kind and metadata.
 *
 * @publicApi
 */
export interface PendingWork {
  /** The id that its operation has, or would have. */
  readonly id: string;
  /** The name that its operation would have. */
  readonly name: string;
  /** What would begin it. */
  readonly kind: OperationKind;
  /** What its operation would have as metadata. Default: nothing. */
  readonly metadata?: Readonly<OperationMetadata>;
  /**
   * Takes it back before it begins.
   *
   * @returns false when it has begun, or is gone
   */
  cancel(): Promise<boolean>;
}

/**
 * Looks for work that is not over.
 *
 * @param id what was given to `registry.cluster.cancel()`: an id, or a shorter name of the outside
 * @publicApi
 */
export type FindPendingWork = (id: string) => Promise<readonly PendingWork[]>;

/** The part of the time of a question after which it is answered that nothing is known. */
const SHARE = 0.75;

/** What extensions find outside of the application when somebody cancels by an id. */
export class PendingFinders {
  private readonly finders = new Set<FindPendingWork>();
  private readonly canceling = new Set<string>();

  /** @returns removes it */
  add(find: FindPendingWork): () => void {
    this.finders.add(find);
    return () => this.finders.delete(find);
  }

  /**
   * @param timeout milliseconds that whoever asks waits
   * @returns the ids of what is there and not over
   * @throws Error when a finder fails, or not all have answered in time
   */
  async find(id: string, matcher: Matcher, timeout: number): Promise<string[]> {
    if (this.finders.size === 0) return [];
    const works = await inTime(this.look(id, matcher), timeout * SHARE);
    return [...new Set(works.map((work) => work.id))];
  }

  /**
   * Takes it back, once: while it is being taken back, others hear that they have not done it.
   *
   * @param timeout milliseconds that whoever asks waits; nothing is begun after that
   * @throws Error as {@link find} does
   */
  async cancel(id: string, matcher: Matcher, timeout: number): Promise<boolean> {
    if (this.canceling.has(id)) return false;
    this.canceling.add(id);
    const end = monotonicNow() + timeout * SHARE;
    const taken = this.takeBack(id, matcher, end).finally(() => this.canceling.delete(id));
    return inTime(taken, timeout * SHARE);
  }

  private async takeBack(id: string, matcher: Matcher, end: number): Promise<boolean> {
    for (const work of await this.look(id, matcher)) {
      if (work.id !== id || monotonicNow() > end) continue;
      if (await work.cancel()) return true;
    }
    return false;
  }

  private async look(id: string, matcher: Matcher): Promise<PendingWork[]> {
    const found = await Promise.all([...this.finders].map((find) => find(id)));
    return found.flat().filter((work) => matcher.matches(new PendingSubject(work)));
  }
}

/** Work that has not begun, as filters see it. */
class PendingSubject implements FilterSubject {
  /** It is not over: there is no other word for it. */
  readonly status: OperationStatus = 'running';
  readonly reason = undefined;
  readonly tags = undefined;
  readonly startedWall = wallNow();

  constructor(private readonly work: PendingWork) {}

  get name(): string {
    return this.work.name;
  }

  get kind(): OperationKind {
    return this.work.kind;
  }

  get metadata(): Readonly<OperationMetadata> | undefined {
    return this.work.metadata;
  }

  isNamed(id: string): boolean {
    return this.work.id === id;
  }

  isChildOf(): boolean {
    return false;
  }

  isUnder(rootId: string): boolean {
    return this.isNamed(rootId);
  }

  isOlderThan(): boolean {
    return false;
  }
}
