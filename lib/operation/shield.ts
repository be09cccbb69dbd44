import { enterCell } from '../scope/context-carrier.js';
import { cancelScope } from '../scope/cancel.js';
import { recordFromError } from '../scope/cancel-record.js';
import { monotonicNow } from '../scope/clock.js';
import type { OperationState } from './operation-state.js';
import type { ProtectedScope } from '../scope/protected-scope.js';
import { arm, disarm, Timed } from '../scope/timers.js';
import type { CancelationToken } from '../scope/token.js';

/**
 * Counts as open for the operation and everything above it: whoever waits for one of them waits
 * for the shield. When its time is up, they are let go, and the shield's own token is canceled.
 */
class OpenShield extends Timed {
  private readonly held: OperationState[] = [];

  constructor(
    private readonly state: OperationState,
    readonly scope: ProtectedScope,
    private readonly limit: number,
  ) {
    super();
    for (let up: OperationState | undefined = state; up !== undefined; up = up.parentOperation) {
      up.shields++;
      this.held.push(up);
    }
    (state.ensureExtras().shieldedScopes ??= new Set()).add(scope);
    const canceled = state.observe(() => this.countDown());
    this.stopObserving = () => canceled.remove();
  }

  private readonly stopObserving: () => void;

  /** The limit counts from the cancel or the start, whichever is later. */
  private countDown(): void {
    arm(this, this.limit, monotonicNow());
  }

  override get timedFor(): OperationState {
    return this.state;
  }

  override expired(): void {
    const { state } = this;
    state.host.log.warn(
      `A shield of ${state.name} took longer than its limit after the cancel`,
      state,
    );
    cancelScope(this.scope, recordFromError(state.error()));
    this.release();
  }

  close(): void {
    this.stopObserving();
    disarm(this);
    this.release();
    this.state.extras?.shieldedScopes?.delete(this.scope);
    this.scope.end();
  }

  private release(): void {
    for (const state of this.held.splice(0)) {
      if (--state.shields === 0) state.releaseCaller();
    }
  }
}

/**
 * Runs a function that a cancel of the operation does not interrupt.
 *
 * @param limit milliseconds; default: the host's limit for cleanups
 */
export async function shieldIn<Result>(
  state: OperationState,
  fn: (token: CancelationToken) => Result | PromiseLike<Result>,
  limit: number | undefined,
): Promise<Awaited<Result>> {
  const scope = state.createProtectedScope();
  if (state.outcome !== undefined) {
    try {
      return await enterCell(scope.cell, fn, scope.token);
    } finally {
      scope.end();
    }
  }
  const shield = new OpenShield(state, scope, limit ?? state.host.cleanupLimit);
  try {
    return await enterCell(scope.cell, fn, scope.token);
  } finally {
    shield.close();
  }
}
