import { cancelScope } from '../scope/cancel.js';
import { CancelRecord } from '../scope/cancel-record.js';
import { Held } from './held.js';
import { OperationConflict } from './operation-errors.js';
import type { ExclusiveCall } from './operation-plan.js';
import type { OperationState } from './operation-state.js';
import type { Scope } from '../scope/scope.js';

/** The holders of exclusive keys, for one application. */
export class ExclusiveKeys {
  private readonly holders = new Map<string, OperationState>();

  /**
   * Makes room for a call, or tells who holds its key.
   *
   * @returns the holder for `skip` and `join`; `undefined`: the call may start
   * @throws OperationConflict for `reject`
   */
  admit(
    name: string,
    { key, onConflict }: ExclusiveCall,
    scope: Scope | undefined,
  ): Held<OperationState> | undefined {
    const holder = this.holders.get(entryKey(name, key));
    if (holder === undefined || isAbove(holder, scope)) return undefined;
    if (onConflict === 'cancel-previous') {
      const message = `superseded by a newer call of ${name}`;
      cancelScope(holder, new CancelRecord('superseded', message));
      return undefined;
    }
    if (onConflict === 'reject') {
      throw new OperationConflict(`${name} is running already for this key`);
    }
    return new Held(holder, onConflict === 'join');
  }

  /** The key is the operation's until its body has settled. */
  hold(state: OperationState, call: ExclusiveCall): void {
    const entry = entryKey(state.name, call.key);
    if (this.holders.has(entry) && isAbove(this.holders.get(entry), state)) return;
    this.holders.set(entry, state);
    state.ensureExtras().exclusive = call;
    state.addLink(() => this.leave(state));
  }

  /** @returns what it held, to take again */
  leave(state: OperationState): ExclusiveCall | undefined {
    const call = state.extras?.exclusive;
    if (call === undefined) return undefined;
    const entry = entryKey(state.name, call.key);
    if (this.holders.get(entry) !== state) return undefined;
    this.holders.delete(entry);
    return call;
  }
}

/** Name and key cannot flow into each other: it is said where the name ends. */
export function entryKey(name: string, key: string): string {
  return `${name.length} ${name}${key}`;
}

/** An ancestor is never the previous one: it would cancel, or wait for, itself. */
function isAbove(holder: OperationState | undefined, scope: Scope | undefined): boolean {
  let up = scope?.operation() as OperationState | undefined;
  for (; up !== undefined; up = up.parentOperation) if (up === holder) return true;
  return false;
}
