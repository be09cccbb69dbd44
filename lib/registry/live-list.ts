import { Operation } from '../operation/operation.js';
import type { OperationState } from '../operation/operation-state.js';

/** Below this many gaps, the list is not worth tidying. */
const FEW_GAPS = 64;

/**
 * The live operations in the order in which they began. An array with gaps: adding and removing
 * are one write each, and looking through 100,000 does not hop from object to object in memory.
 */
export class LiveList {
  private slots: (OperationState | undefined)[] = [];
  /** The public operations of the slots, as far as they were asked for. */
  private facades: (Operation | undefined)[] | undefined = undefined;
  size = 0;

  add(state: OperationState): void {
    state.listIndex = this.slots.length;
    this.slots.push(state);
    if (this.facades !== undefined) this.facades.push(undefined);
    this.size++;
  }

  remove(state: OperationState): void {
    const { slots, facades } = this;
    const { listIndex: slot } = state;
    if (slot < 0) return;
    state.listIndex = -1;
    this.size--;
    if (slot === slots.length - 1) {
      slots.pop();
      while (slots.length > 0 && slots[slots.length - 1] === undefined) slots.pop();
      if (facades !== undefined) facades.length = slots.length;
      return;
    }
    slots[slot] = undefined;
    if (facades !== undefined) facades[slot] = undefined;
    if (slots.length > 2 * this.size + FEW_GAPS) this.tidy();
  }

  /** All that match, oldest first; the newest `limit` of them. */
  select(
    matches: ((state: OperationState) => boolean) | undefined,
    limit: number,
  ): OperationState[] {
    const { slots } = this;
    const found: OperationState[] = [];
    if (limit < slots.length) {
      for (let index = slots.length - 1; index >= 0 && found.length < limit; index--) {
        const state = slots[index];
        if (state !== undefined && (matches === undefined || matches(state))) found.push(state);
      }
      return found.reverse();
    }
    if (matches === undefined && slots.length === this.size) {
      return slots.slice() as OperationState[];
    }
    for (let index = 0; index < slots.length; index++) {
      const state = slots[index];
      if (state !== undefined && (matches === undefined || matches(state))) found.push(state);
    }
    return found;
  }

  /** All of them, oldest first. The second time it touches no more than one array. */
  all(): Operation[] {
    const { slots } = this;
    const facades = (this.facades ??= slots.map(() => undefined));
    const found: Operation[] = [];
    for (let index = 0; index < slots.length; index++) {
      const state = slots[index];
      if (state !== undefined) found.push((facades[index] ??= Operation.of(state)));
    }
    return found;
  }

  private tidy(): void {
    if (this.facades !== undefined) {
      this.facades = this.facades.filter((_, index) => this.slots[index] !== undefined);
    }
    this.slots = this.slots.filter((state) => state !== undefined);
    for (let index = 0; index < this.slots.length; index++) {
      (this.slots[index] as OperationState).listIndex = index;
    }
  }
}
