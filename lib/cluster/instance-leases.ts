import { randomUUID } from 'node:crypto';
import type { OperationLog } from '../operation/operation-log.js';
import type { OperationState } from '../operation/operation-state.js';
import { inTime } from '../scope/waiting.js';
import type { ClusterLeases } from './cancelation-bus.js';
import { holderText, readHolder } from './lease-holder.js';
import { RenewalLog } from './renewal-log.js';

/** Milliseconds that a call waits for a bus that is just being opened. */
const PATIENCE = 5_000;

/** What the operation is told that held a key before, wherever it runs. */
export interface Superseded {
  readonly reason: 'superseded';
  readonly message: string;
}

/** What the exclusive keys of an instance need of it. */
export interface LeaseSettings {
  readonly leases: ClusterLeases;
  /** What is asked while the bus still opens waits for it; `undefined`: nobody opens it yet. */
  readonly opening?: () => Promise<void> | undefined;
  /** Keys are one service's. */
  readonly service: string;
  /** The name of this instance, for messages. */
  readonly instance: string;
  /** Milliseconds that a lease lasts without being renewed, which happens at a third of it. */
  readonly lease: number;
  readonly log: OperationLog;
  /** Cancels an operation of another instance. Must not throw. */
  readonly cancel: (operationId: string, record: Superseded) => void;
}

/** The leases of one run of an instance. */
export class InstanceLeases {
  readonly renewals: RenewalLog;
  /** No other run has it, of whatever name: an instance may have been started again. */
  private readonly run = randomUUID();
  private count = 0;

  constructor(readonly settings: LeaseSettings) {
    this.renewals = new RenewalLog(settings.log);
  }

  /** Milliseconds between two renewals: one may fail, and the lease goes on. */
  get interval(): number {
    return this.settings.lease / 3;
  }

  /** A holder that no other lease has. */
  holderFor({ id }: OperationState): string {
    const { instance } = this.settings;
    return holderText({ instance, operation: id, run: this.run, lease: ++this.count });
  }

  isOwn(holder: string): boolean {
    return readHolder(holder)?.run === this.run;
  }

  /** @throws Error for a bus that can keep no leases, whatever is tried */
  async check(): Promise<void> {
    const { leases, opening } = this.settings;
    if (leases.check === undefined) return;
    await opening?.();
    await leases.check();
  }

  /**
   * Takes or renews a lease. An answer that takes long says little: the lease may be over by then.
   *
   * @returns who had it, or still has it, unless that is the holder
   * @throws when there is no answer in time
   */
  async acquire(key: string, holder: string, force: boolean): Promise<string | undefined> {
    const { leases, lease, opening } = this.settings;
    const opened = opening?.();
    if (opened !== undefined) await inTime(opened, PATIENCE);
    return inTime(leases.acquire(this.keyOf(key), holder, lease, force), this.interval);
  }

  /** Gives a lease back, if it is the holder's. @throws when there is no answer in time */
  async release(key: string, holder: string): Promise<void> {
    return inTime(this.settings.leases.release(this.keyOf(key), holder), this.interval);
  }

  private keyOf(key: string): string {
    const { service } = this.settings;
    return `${service.length} ${service} ${key}`;
  }
}
