import { describeChain } from '../operation/causes.js';
import type { SubjectLog } from '../operation/operation-log.js';
import type { OperationState } from '../operation/operation-state.js';
import { monotonicNow } from '../scope/clock.js';
import { formatDuration } from '../scope/duration.js';
import { LONGEST_NAME } from './statistics.js';

/** Milliseconds between two lines about the same name. */
const PACE = 1_000;

/** Names come from users: those beyond so many at a time have one pace together. */
const MOST_NAMES = 100;

/**
 * The lines about zombies: one for each, unless many of one name come in a second. Of those the
 * first is said at once, and of the rest how many they are, a second later.
 */
export class ZombieLog {
  private readonly names = new Map<string, ZombieName>();
  private readonly others: ZombieName;

  /** @param after milliseconds after a cancel at which a body that still runs is a zombie */
  constructor(
    private readonly log: SubjectLog,
    private readonly after: number,
  ) {
    this.others = new ZombieName('other names', this);
  }

  add(state: OperationState): void {
    this.paceOf(state.name).add(state);
  }

  /** Says what was held back: nobody may be there to say it later. */
  flush(): void {
    for (const name of this.names.values()) name.flush();
    this.others.flush();
  }

  sayOne(state: OperationState): void {
    this.log.warn(
      `${shorten(state.name)} is still running ${formatDuration(this.after)} after it was canceled ` +
        `(${describeChain(state.error())}). Pass its signal to what it waits for, or check ` +
        'operation.checkpoint() in its loops.',
      state,
    );
  }

  saySeveral(what: string, count: number): void {
    this.log.warn(
      `${count.toLocaleString('en')} more of ${what} were still running ` +
        `${formatDuration(this.after)} after they were canceled`,
      { name: what, count },
    );
  }

  private paceOf(name: string): ZombieName {
    if (name.length > LONGEST_NAME) return this.others;
    const known = this.names.get(name);
    if (known !== undefined) return known;
    if (this.names.size >= MOST_NAMES) this.forgetQuietNames();
    if (this.names.size >= MOST_NAMES) return this.others;
    const added = new ZombieName(name, this);
    this.names.set(name, added);
    return added;
  }

  private forgetQuietNames(): void {
    for (const [name, pace] of this.names) if (pace.isQuiet) this.names.delete(name);
  }
}

/** The lines about the zombies of one name: at most one in a second. */
class ZombieName {
  private saidAt = -Infinity;
  private held = 0;
  /** The latest that is held back. */
  private last: OperationState | undefined = undefined;
  private timer: NodeJS.Timeout | undefined = undefined;

  constructor(
    private readonly name: string,
    private readonly log: ZombieLog,
  ) {}

  get isQuiet(): boolean {
    return this.held === 0 && monotonicNow() - this.saidAt >= PACE;
  }

  add(state: OperationState): void {
    const now = monotonicNow();
    if (this.held === 0 && now - this.saidAt >= PACE) {
      this.saidAt = now;
      this.log.sayOne(state);
      return;
    }
    this.held++;
    this.last = state;
    this.timer ??= setTimeout(() => this.flush(), this.saidAt + PACE - now).unref();
  }

  flush(): void {
    const { held, last } = this;
    clearTimeout(this.timer);
    this.timer = this.last = undefined;
    this.held = 0;
    if (last === undefined) return;
    this.saidAt = monotonicNow();
    if (held === 1) this.log.sayOne(last);
    else this.log.saySeveral(this.name, held);
  }
}

function shorten(name: string): string {
  return name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME)}…` : name;
}
