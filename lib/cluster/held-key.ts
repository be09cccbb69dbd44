import { ClusterUnavailable, OperationConflict } from '../operation/operation-errors.js';
import type { OnConflict } from '../operation/operation-options.js';
import type { OperationState } from '../operation/operation-state.js';
import { cancelScope } from '../scope/cancel.js';
import { CancelRecord } from '../scope/cancel-record.js';
import { monotonicNow } from '../scope/clock.js';
import { inContext } from '../scope/context-storage.js';
import { describeError } from '../scope/describe-error.js';
import { noop } from '../scope/thenable.js';
import { arm, disarm, Timed } from '../scope/timers.js';
import type { InstanceLeases } from './instance-leases.js';
import { instanceOf, readHolder } from './lease-holder.js';

/** A lease that this instance has. */
interface Lease {
  readonly holder: string;
  /** The name of the operation that took it. */
  readonly name: string;
}

/**
 * A key of this instance: one lease, for all operations here that have it at a time. Mostly that is
 * one; an operation below it, or one that was canceled and still runs, has it too. What is asked of
 * the server is asked one after the other, so that no answer overtakes another.
 */
export class HeldKey extends Timed {
  private readonly waiting = new Set<OperationState>();
  private readonly granted = new Set<OperationState>();
  private lease: Lease | undefined = undefined;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly key: string,
    private readonly leases: InstanceLeases,
    /** Nobody here has it any more. */
    private readonly dropped: () => void,
  ) {
    super();
  }

  /** @returns whether the operation has it; `false`: it is skipped */
  take(state: OperationState, onConflict: OnConflict): Promise<boolean> {
    this.waiting.add(state);
    state.addLink(() => this.leave(state));
    return this.inTurn(() => this.takeNow(state, onConflict));
  }

  /** Once nobody has it, it is given back: also a lease that is only just being taken. */
  leave(state: OperationState): void {
    this.waiting.delete(state);
    this.granted.delete(state);
    if (!this.isWanted) void this.inTurn(() => this.giveBack());
  }

  /** Renews it no more. */
  stop(): void {
    disarm(this);
  }

  /** Resolves once nothing is asked of the server. */
  async idle(): Promise<void> {
    for (;;) {
      const { turn } = this;
      await turn;
      if (turn === this.turn) return;
    }
  }

  override get timedFor(): OperationState | undefined {
    const [first] = this.granted;
    return first;
  }

  /** It is time to renew the lease. */
  override expired(): void {
    void this.inTurn(() => this.renew());
  }

  private get isWanted(): boolean {
    return this.waiting.size > 0 || this.granted.size > 0;
  }

  /** What is asked here belongs to no operation. */
  private inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = inContext(undefined, () => this.turn.then(work));
    this.turn = result.catch(noop);
    return result;
  }

  private async takeNow(state: OperationState, onConflict: OnConflict): Promise<boolean> {
    if (!this.waiting.has(state)) return false;
    const force = onConflict === 'cancel-previous';
    if (this.lease === undefined || (force && !this.isBelowHolder(state))) {
      const other = await this.askFor(state, force);
      if (other !== undefined && onConflict === 'skip') return false;
      if (other !== undefined && !force) {
        throw new OperationConflict(
          `${state.name} is running already for this key, in ${instanceOf(other)}`,
        );
      }
    }
    if (this.waiting.delete(state)) this.granted.add(state);
    return true;
  }

  /**
   * Asks for a lease; with `force`, it is there afterwards.
   *
   * @returns who has it, or had it before
   * @throws ClusterUnavailable
   */
  private async askFor(state: OperationState, force: boolean): Promise<string | undefined> {
    const lease = { holder: this.leases.holderFor(state), name: state.name };
    let other: string | undefined;
    try {
      other = await this.acquire(lease, force);
    } catch (error) {
      // Perhaps it was taken, and only the answer was lost.
      this.leases.release(this.key, lease.holder).catch(noop);
      throw new ClusterUnavailable(
        `${state.name} was not begun, since nobody can tell whether another instance runs it for ` +
          `this key: ${describeError(error)}`,
        { cause: error },
      );
    }
    if (other !== undefined && !force) return other;
    this.lease = lease;
    this.renewLater();
    if (other !== undefined && !this.leases.isOwn(other)) this.supersede(other, state);
    return other;
  }

  private async acquire({ holder }: Lease, force: boolean): Promise<string | undefined> {
    const other = await this.leases.acquire(this.key, holder, force);
    if (other === undefined || force || !this.leases.isOwn(other)) return other;
    // It could not be given back, or was taken without an answer: nobody here has it.
    await this.leases.release(this.key, other);
    return this.leases.acquire(this.key, holder, force);
  }

  private supersede(holder: string, { name }: OperationState): void {
    const previous = readHolder(holder);
    if (previous === undefined) return;
    const { cancel, instance } = this.leases.settings;
    const message = `superseded by a newer call of ${name} in ${instance}`;
    cancel(previous.operation, { reason: 'superseded', message });
  }

  private async renew(): Promise<void> {
    const { lease } = this;
    if (lease === undefined) return;
    try {
      const other = await this.leases.acquire(this.key, lease.holder, false);
      this.leases.renewals.worked();
      if (other !== undefined) return this.lose(lease, other);
    } catch (error) {
      this.leases.renewals.failed(lease.name, error);
    }
    this.renewLater();
  }

  private renewLater(): void {
    arm(this, this.leases.interval, monotonicNow());
  }

  /** Somebody else has it: what runs here with it must stop. Who still waits asks anew. */
  private lose({ name }: Lease, other: string): void {
    this.lease = undefined;
    disarm(this);
    const message = `the lease of ${name} was lost to ${instanceOf(other)}, which runs it now`;
    const losers = [...this.granted];
    this.granted.clear();
    for (const state of losers) cancelScope(state, new CancelRecord('superseded', message));
  }

  private async giveBack(): Promise<void> {
    const { lease } = this;
    if (this.isWanted) return;
    if (lease !== undefined) {
      this.lease = undefined;
      disarm(this);
      try {
        await this.leases.release(this.key, lease.holder);
      } catch (error) {
        this.leases.settings.log.debug(
          `The lease of ${lease.name} could not be given back, and runs out: ${describeError(error)}`,
        );
      }
    }
    if (!this.isWanted) this.dropped();
  }

  /** An operation below one that has it never supersedes that. */
  private isBelowHolder(state: OperationState): boolean {
    let up = state.parentOperation;
    while (up !== undefined && !this.granted.has(up)) up = up.parentOperation;
    return up !== undefined;
  }
}
