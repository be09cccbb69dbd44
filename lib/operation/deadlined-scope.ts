import { cancelScope } from '../scope/cancel.js';
import { CancelRecord } from '../scope/cancel-record.js';
import { monotonicNow, wallNow } from '../scope/clock.js';
import { formatDuration } from '../scope/duration.js';
import { OperationExtras } from './operation-extras.js';
import type { OperationPlan } from './operation-plan.js';
import { Scope } from '../scope/scope.js';
import { arm, disarm } from '../scope/timers.js';

/** A deadline by the wall clock is compared with it at least this often, in milliseconds. */
const WALL_CLOCK_CHECK = 60_000;
/** A timer that fires this many milliseconds early is on time: both clocks round. */
const CLOCK_TOLERANCE = 5;

/** A scope that may have deadlines: of its own, its caller's, and those of the scopes above it. */
export abstract class DeadlinedScope extends Scope {
  abstract readonly plan: OperationPlan;
  /** Monotonic milliseconds. */
  abstract readonly startedAt: number;
  limit: number | undefined = undefined;
  /** Its own deadline, whether or not an ancestor's is nearer. */
  ownLimit: number | undefined = undefined;
  extras: OperationExtras | undefined = undefined;

  ensureExtras(): OperationExtras {
    return (this.extras ??= new OperationExtras());
  }

  /** Follows something until the end. */
  addLink(unlink: () => void): void {
    (this.ensureExtras().links ??= []).push(unlink);
  }

  protected unlink(): void {
    const { extras } = this;
    const links = extras?.links;
    if (extras === undefined || links === undefined) return;
    extras.links = undefined;
    for (const unlink of links) unlink();
  }

  /**
   * Sets or moves this operation's own deadline, and what it means for the descendants. A timer is
   * armed only where the own deadline is the nearest.
   *
   * @param delay milliseconds from `now`; `undefined`: none of its own
   */
  setDeadline(delay: number | undefined, now: number): void {
    this.ownLimit = delay === undefined ? undefined : now + delay;
    this.applyLimit(this.parent?.limit, now);
    if (this.firstChild !== undefined) this.passLimitDown(now);
  }

  /**
   * Brings the deadline of the caller, which may only shorten what the operation has.
   *
   * @param left milliseconds that the caller still waits; Infinity: it does not say
   */
  limitByCaller(left: number): void {
    if (left === Infinity) return;
    const now = monotonicNow();
    const limit = now + left;
    this.ensureExtras().callerLimit = limit;
    this.setDeadline(this.ownLimit === undefined ? undefined : this.ownLimit - now, now);
    if (limit <= now) this.checkClock();
  }

  /** Its own deadline or its caller's. */
  private get ownOrCallerLimit(): number | undefined {
    return nearest(this.ownLimit, this.extras?.callerLimit);
  }

  private applyLimit(inherited: number | undefined, now: number): void {
    const ownEnd = this.extras === undefined ? this.ownLimit : this.ownOrCallerLimit;
    this.limit = inherited === undefined ? ownEnd : nearest(ownEnd, inherited);
    if (this.record !== undefined) return;
    if (this.timer !== undefined) disarm(this);
    if (ownEnd === undefined || ownEnd !== this.limit) return;
    const delay = Math.max(0, ownEnd - now);
    arm(
      this,
      this.extras?.wallDeadline === undefined ? delay : Math.min(delay, WALL_CLOCK_CHECK),
      now,
    );
  }

  private passLimitDown(now: number): void {
    const reached: Scope[] = [this];
    // The list grows while it is walked.
    for (const parent of reached) {
      for (let child = parent.firstChild; child !== undefined; child = child.nextSibling) {
        if (!(child instanceof DeadlinedScope)) continue;
        child.applyLimit(parent.limit, now);
        reached.push(child);
      }
    }
  }

  /** The timer of a deadline has fired. */
  protected deadlinePassed(): void {
    if (!this.wallClockDisagrees() && !this.dropLapsedDeadline()) this.timeOut();
  }

  /** Some deadlines end before the operation does: a request's, once its headers are sent. */
  private dropLapsedDeadline(): boolean {
    const now = monotonicNow();
    if (this.deadlineApplies(now)) return false;
    this.setDeadline(undefined, now);
    return true;
  }

  private deadlineApplies(now: number): boolean {
    const { expires } = this.plan;
    if (expires === undefined || expires(this)) return true;
    const { callerLimit } = this.extras ?? {};
    return callerLimit !== undefined && callerLimit <= now + CLOCK_TOLERANCE;
  }

  /**
   * It ends by itself at `now`, and nobody was there to cancel it in time: it blocked the event
   * loop.
   */
  protected markOverrun(now: number): void {
    if (this.limit === undefined || now <= this.limit || !this.deadlineApplies(now)) return;
    this.ensureExtras().overran = true;
  }

  /** A wall-clock deadline moves when the clock is set: looks again, and waits for what is left. */
  private wallClockDisagrees(): boolean {
    const { wallDeadline, monotonicDeadline } = this.extras ?? {};
    if (wallDeadline === undefined) return false;
    const now = monotonicNow();
    const left = Math.min(wallDeadline - wallNow(), (monotonicDeadline ?? Infinity) - now);
    if (left < CLOCK_TOLERANCE) return false;
    this.setDeadline(left, now);
    return true;
  }

  private timeOut(): void {
    const elapsed = formatDuration((this.ownOrCallerLimit ?? monotonicNow()) - this.startedAt);
    cancelScope(this, new CancelRecord('timeout', `timed out after ${elapsed}`));
  }

  override checkClock(): void {
    if (this.limit === undefined || this.record !== undefined || this.decided) return;
    const now = monotonicNow();
    if (now < this.limit) return;
    let topmost: DeadlinedScope | undefined;
    for (let up = this.parent; up !== undefined; up = up.parent) {
      if (!(up instanceof DeadlinedScope)) continue;
      const { ownOrCallerLimit: ownEnd } = up;
      if (ownEnd !== undefined && ownEnd <= now) topmost = up;
    }
    const late = topmost ?? this;
    if (!late.dropLapsedDeadline()) late.timeOut();
  }
}

function nearest(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined) return b;
  return b === undefined ? a : Math.min(a, b);
}
