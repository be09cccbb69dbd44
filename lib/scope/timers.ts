import { AsyncResource } from 'node:async_hooks';
import { setTimeout as nodeSetTimeout } from 'node:timers';
import { monotonicNow } from './clock.js';

/**
 * Deadlines without a Node timer each. Entries with the same delay share a queue, sorted by
 * construction, and a queue keeps one unreferenced Node timer for its head: arming and disarming
 * are pointer writes. It is the scheme Node uses for its own timers and the Linux kernel describes
 * as a "timer list per duration" (Varghese and Lauck, Hashed and Hierarchical Timing Wheels, 1987).
 */

/** The longest delay that setTimeout accepts; beyond, it fires after 1 ms. */
export const LONGEST_DELAY = 2 ** 31 - 1;

/** Empty queues beyond this number are given up at once instead of when their timer fires. */
const IDLE_QUEUES = 256;

const queues = new Map<number, TimerQueue>();

/**
 * Timers are created outside of any async context: a shared timer must not hold the context of
 * the operation that happened to create it.
 */
const neutral = new AsyncResource('CancelableTimers', { requireManualDestroy: true });

/** Something with at most one deadline at a time. */
export abstract class Timed {
  /** @internal The queue, or the timer of its own, that will fire. */
  timer: TimerQueue | LoneTimer | undefined = undefined;
  /** @internal */
  timerBefore: Timed | undefined = undefined;
  /** @internal */
  timerAfter: Timed | undefined = undefined;
  /** @internal Monotonic milliseconds. */
  due: number | undefined = undefined;

  /** The operation it is for, if it is for one. */
  get timedFor(): object | undefined {
    return undefined;
  }

  /** Called once when the deadline passes; never after `disarm`. Must not throw. */
  abstract expired(): void;
}

/**
 * Calls `entry.expired()` once `delay` milliseconds after `now`. Never keeps the process alive.
 *
 * @param now the monotonic time to count from
 */
export function arm(entry: Timed, delay: number, now: number): void {
  if (entry.timer !== undefined) disarm(entry);
  entry.due = now + delay;
  if (delay <= LONGEST_DELAY && usesNodeTimers()) {
    const key = Math.max(1, Math.ceil(delay));
    let queue = queues.get(key);
    if (queue === undefined) queues.set(key, (queue = new TimerQueue(key)));
    queue.append(entry);
  } else {
    entry.timer = new LoneTimer(entry, delay);
  }
}

/** Forgets the deadline. Does nothing when none is armed. */
export function disarm(entry: Timed): void {
  const { timer } = entry;
  if (timer === undefined) return;
  entry.timer = undefined;
  entry.due = undefined;
  timer.remove(entry);
}

/** @internal For leak checks: how many entries wait, over all queues. */
export function armedTimers(): number {
  return armedEntries().length;
}

/** @internal For leak checks: all that wait. */
export function armedEntries(): Timed[] {
  return [...LoneTimer.armed, ...[...queues.values()].flatMap((queue) => queue.entries())];
}

class TimerQueue {
  private head: Timed | undefined = undefined;
  private tail: Timed | undefined = undefined;
  private handle: NodeJS.Timeout | undefined = undefined;
  /**
   * The entry the Node timer was armed for: when it fires, that one is due, whatever a clock says.
   */
  private target: Timed | undefined = undefined;

  constructor(private readonly delay: number) {}

  append(entry: Timed): void {
    entry.timer = this;
    entry.timerBefore = this.tail;
    if (this.tail === undefined) this.head = entry;
    else this.tail.timerAfter = entry;
    this.tail = entry;
    if (this.handle === undefined) this.schedule(entry, this.delay);
  }

  remove(entry: Timed): void {
    const { timerBefore, timerAfter } = entry;
    if (timerBefore === undefined) this.head = timerAfter;
    else timerBefore.timerAfter = timerAfter;
    if (timerAfter === undefined) this.tail = timerBefore;
    else timerAfter.timerBefore = timerBefore;
    entry.timerBefore = entry.timerAfter = undefined;
    if (entry === this.target) this.target = undefined;
    if (this.head === undefined && queues.size > IDLE_QUEUES) {
      clearFully(this.handle);
      this.close();
    }
  }

  entries(): Timed[] {
    const entries: Timed[] = [];
    for (let entry = this.head; entry !== undefined; entry = entry.timerAfter) entries.push(entry);
    return entries;
  }

  private schedule(target: Timed, delay: number): void {
    this.target = target;
    this.handle = neutral.runInAsyncScope(nodeSetTimeout, undefined, fire, delay, this);
    this.handle.unref();
  }

  /**
   * @internal The old handle stays until the end: what is armed meanwhile is not the next one due.
   */
  fire(): void {
    let trusted = this.target;
    const now = monotonicNow();
    let entry = this.head;
    while (entry !== undefined && (entry === trusted || (entry.due ?? 0) <= now)) {
      // Once: it may be armed anew here, with the same delay.
      if (entry === trusted) trusted = undefined;
      disarm(entry);
      entry.expired();
      entry = this.head;
    }
    if (entry === undefined) this.close();
    else this.schedule(entry, Math.max(1, Math.ceil((entry.due ?? now) - now)));
  }

  private close(): void {
    this.handle = undefined;
    if (queues.get(this.delay) === this) queues.delete(this.delay);
  }
}

/**
 * A timer of its own, through the global setTimeout as it is at the call: for delays beyond what
 * setTimeout accepts (chained by count, since a fake clock may move only the timers), and for
 * replaced globals.
 */
class LoneTimer {
  static readonly armed = new Set<Timed>();
  private handle: NodeJS.Timeout | undefined;
  private remaining: number;

  constructor(
    private readonly entry: Timed,
    delay: number,
  ) {
    this.remaining = delay;
    LoneTimer.armed.add(entry);
    this.schedule();
  }

  remove(): void {
    LoneTimer.armed.delete(this.entry);
    clearFully(this.handle);
    this.handle = undefined;
  }

  private schedule(): void {
    const hop = Math.min(this.remaining, LONGEST_DELAY);
    this.remaining -= hop;
    const onTimer = (): void => {
      if (this.remaining > 0) return this.schedule();
      disarm(this.entry);
      this.entry.expired();
    };
    this.handle = neutral.runInAsyncScope(() => setTimeout(onTimer, Math.ceil(hop)));
    this.handle.unref?.();
  }
}

/**
 * Node keeps the empty list of a delay until it would have fired, if its timers keep no process
 * alive: it takes them for those of sockets, which come again.
 */
function clearFully(handle: NodeJS.Timeout | undefined): void {
  handle?.ref?.();
  clearTimeout(handle);
}

function fire(queue: TimerQueue): void {
  queue.fire();
}

/** False while a test has replaced the global timers (jest, sinon, node:test, vitest). */
function usesNodeTimers(): boolean {
  return globalThis.setTimeout === nodeSetTimeout && !('clock' in nodeSetTimeout);
}
