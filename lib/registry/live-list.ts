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
  /** What is in the slots as users see it, as far as it was asked for. */
  private faces: (Operation | undefined)[] | undefined = undefined;
  size = 0;

  add(state: OperationState): void {
    state.slot = this.slots.length;
    this.slots.push(state);
    if (this.faces !== undefined) this.faces.push(undefined);
    this.size++;
  }

  remove(state: OperationState): void {
    const { slots, faces } = this;
    const { slot } = state;
    if (slot < 0) return;
    state.slot = -1;
    this.size--;
    if (slot === slots.length - 1) {
      slots.pop();
      while (slots.length > 0 && slots[slots.length - 1] === undefined) slots.pop();
      if (faces !== undefined) faces.length = slots.length;
      return;
    }
    slots[slot] = undefined;
    if (faces !== undefined) faces[slot] = undefined;
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
    const faces = (this.faces ??= slots.map(() => undefined));
    const found: Operation[] = [];
    for (let index = 0; index < slots.length; index++) {
      const state = slots[index];
      if (state !== undefined) found.push((faces[index] ??= Operation.of(state)));
    }
    return found;
  }

  private tidy(): void {
    if (this.faces !== undefined) {
      this.faces = this.faces.filter((_, index) => this.slots[index] !== undefined);
    }
    this.slots = this.slots.filter((state) => state !== undefined);
    for (let index = 0; index < this.slots.length; index++) {
      (this.slots[index] as OperationState).slot = index;
    }
  }
}
