import { entryKey } from '../operation/exclusive.js';
import type { ClusterKeysPort } from '../operation/operation-host.js';
import type { ExclusiveCall } from '../operation/operation-plan.js';
import type { OperationState } from '../operation/operation-state.js';
import { raceIn } from '../scope/sleep.js';
import { HeldKey } from './held-key.js';
import { InstanceLeases, type LeaseSettings } from './instance-leases.js';

/**
 * The exclusive keys that this instance holds over all instances. Which of its own operations may
 * have one is decided by the keys of the store before, and those that may share a lease.
 */
export class ClusterKeys implements ClusterKeysPort<OperationState> {
  private readonly leases: InstanceLeases;
  private readonly keys = new Map<string, HeldKey>();
  private readonly keyOf = new WeakMap<OperationState, HeldKey>();

  constructor(settings: LeaseSettings) {
    this.leases = new InstanceLeases(settings);
  }

  /** @throws Error for a bus that can keep no leases, whatever is tried */
  check(): Promise<void> {
    return this.leases.check();
  }

  take(state: OperationState, call: ExclusiveCall): Promise<boolean> {
    const held = this.heldKey(entryKey(state.name, call.key));
    this.keyOf.set(state, held);
    // The operation may be canceled, and end, before the server has answered.
    return raceIn(state, held.take(state, call.onConflict));
  }

  leave(state: OperationState): void {
    this.keyOf.get(state)?.leave(state);
  }

  /**
   * Resolves once what was let go is given back, and renews nothing any more: to be called before
   * the bus closes. What still runs loses its leases in their time.
   */
  async close(): Promise<void> {
    const held = [...this.keys.values()];
    await Promise.all(held.map((each) => each.idle()));
    for (const each of held) each.stop();
  }

  private heldKey(key: string): HeldKey {
    const known = this.keys.get(key);
    if (known !== undefined) return known;
    const made = new HeldKey(key, this.leases, () => {
      if (this.keys.get(key) === made) this.keys.delete(key);
    });
    this.keys.set(key, made);
    return made;
  }
}
