import { contextStorage } from './context-storage.js';
import type { Scope } from './scope.js';

/**
 * What an async context remembers: the scope that work started in it belongs to.
 *
 * Promises, timers and pools keep the context they were created in for as long as they live, so
 * an operation that ends empties its cell and leaves one bit behind.
 */
export class ContextCell {
  /** The scope is gone, and it was canceled. */
  canceled = false;

  constructor(public scope: Scope | undefined) {}

  /**
   * Something that came in is still on its way to its handler: it may use what it needs for that.
   */
  get isArriving(): boolean {
    return false;
  }

  /** The operation is over, but nobody knows whether its body is. */
  get mayStillRun(): boolean {
    return false;
  }

  /** What was carried where it came in, if that is known. */
  get captured(): unknown {
    return undefined;
  }

  /** The scope of this context; a cell may create it on first use. */
  resolve(): Scope | undefined {
    return this.scope;
  }

  /** A context made for one handler gives that handler its operation, once. */
  claim(_handler: object): Scope | undefined {
    return undefined;
  }

  /** The operation is over: holds on to nothing but whether it was canceled. */
  empty(canceled: boolean): void {
    this.scope = undefined;
    this.canceled = canceled;
  }
}

/** The cell of the current async context. */
export function currentCell(): ContextCell | undefined {
  return contextStorage.getStore() as ContextCell | undefined;
}

/** The scope of the current async context. */
export function currentScope(): Scope | undefined {
  return currentCell()?.resolve();
}
