import { parentRecord } from '../scope/cancel.js';
import { CancelRecord } from '../scope/cancel-record.js';
import type { CancelationError } from '../scope/cancelation-error.js';
import { createCancelationError } from '../scope/cancelation-reasons.js';
import { monotonicNow, wallNow } from '../scope/clock.js';
import type { ContextCell } from '../scope/context.js';
import { SaidOnce } from '../scope/said-once.js';
import type { Scope } from '../scope/scope.js';
import { needStackRoom, onFreshStack } from '../scope/stack-room.js';
import type { Held } from './held.js';
import { underCeiling } from './max-timeout.js';
import { facadeOf } from './operation-facade.js';
import type { OperationHost } from './operation-host.js';
import type { CallOptions, OperationPlan } from './operation-plan.js';
import { OperationState } from './operation-state.js';
import { settleQuietly } from './settle-operation.js';

export type Host = OperationHost<OperationState>;

/**
 * The one place where an operation starts.
 *
 * @param context where the call comes from
 * @param cell a cell that already stands in an async context, for operations begun inside of it
 * @returns the operation, or who holds the key that the call needs
 * @throws ParentCancelation in a canceled scope; what the host refuses; RangeError before the stack
 * ends
 */
export function startOperation(
  host: Host,
  plan: OperationPlan,
  context: ContextCell | undefined,
  call?: CallOptions,
  cell?: ContextCell,
): OperationState | Held<OperationState> {
  needStackRoom();
  const scope = scopeFor(host, plan, context);
  const parent = scope?.operation() as OperationState | undefined;
  const outside = context?.isArriving === true ? 'detached' : 'outside';
  const origin = scope === undefined ? outside : plan.detached ? 'detached' : 'inside';
  host.admit(plan, call?.id, origin, parent?.tree);
  const exclusive = call?.exclusive ?? plan.exclusive;
  if (exclusive !== undefined) {
    const held = host.exclusives.admit(plan.name, exclusive, scope);
    if (held !== undefined) return held;
  }
  const now = monotonicNow();
  const state = new OperationState(host, plan, now, cell, call?.id);
  try {
    if (scope !== undefined) attach(state, scope, parent);
    if (call !== undefined) applyCall(state, call);
    applyDeadlines(state, plan, call, now);
    host.started(state);
    if (exclusive !== undefined) host.exclusives.hold(state, exclusive);
    if (plan.on !== undefined) hookCallbacks(state, plan.on);
    if (state.ownLimit !== undefined && state.ownLimit <= now) state.checkClock();
  } catch (error) {
    const begun = state;
    void onFreshStack.then(() => neverBegan(begun, error));
    throw error;
  }
  return state;
}

/** Starts an operation of a plan and call without `exclusive`: nothing can hold it back. */
export const startUnkeyed = startOperation as (
  ...call: Parameters<typeof startOperation>
) => OperationState;

/** It was cut off while it started. */
function neverBegan(state: OperationState, error: unknown): void {
  if (state.listIndex >= 0) {
    void settleQuietly(state, false, error);
    return;
  }
  state.decided = true;
  state.outcome = 'failed';
  state.end();
}

function hookCallbacks(state: OperationState, on: NonNullable<OperationPlan['on']>): void {
  const operation = facadeOf(state);
  if (on.cancel) state.addListener((error: CancelationError) => on.cancel?.(operation, error));
  if (on.progress) {
    const listeners = (state.ensureExtras().progressListeners ??= new Set());
    listeners.add((progress) => on.progress?.(operation, progress));
  }
  if (on.start) state.callSafely('on.start', on.start.bind(on), operation);
}

/**
 * What a call belongs to. Once a body has settled it cannot be the body that calls: whatever comes
 * from its context then belongs to nothing.
 *
 * @throws ParentCancelation in a canceled scope whose body still runs
 */
function scopeFor(
  host: Host,
  plan: OperationPlan,
  context: ContextCell | undefined,
): Scope | undefined {
  const scope = context?.resolve();
  if (context === undefined || plan.detached) return scope;
  if (scope !== undefined && !scope.decided) {
    scope.checkClock();
    if (scope.isCanceled()) throw refusal(plan, parentRecord(scope));
    return scope;
  }
  if (scope?.record === undefined && !context.canceled) return undefined;
  if (context.mayStillRun) {
    const lost = new CancelRecord('parent', 'parent was canceled');
    throw refusal(plan, scope === undefined ? lost : parentRecord(scope));
  }
  warnOfForeignContext(host, plan.name);
  return undefined;
}

function refusal(plan: OperationPlan, record: CancelRecord): Error {
  return createCancelationError('parent', record.text, {
    cause: record.origin,
    operationName: plan.name,
    ...(record.requestedBy === undefined ? undefined : { requestedBy: record.requestedBy }),
  });
}

function attach(state: OperationState, scope: Scope, parent: OperationState | undefined): void {
  if (parent !== undefined) {
    state.tree = parent.tree ??= { live: 1, root: parent.name };
    const { metadata, tags } = parent;
    if (metadata !== undefined) state.metadata = { ...metadata, ...state.metadata };
    if (tags !== undefined) state.tags = mergeTags(tags, state.tags);
  }
  if (!state.plan.detached) {
    scope.addChild(state);
    if (parent !== undefined) state.adoptedBy(parent);
  } else if (parent !== undefined) state.lineage = { parentId: parent.id, rootId: parent.rootId };
}

/** Options that only the call knew: laid over what is there. */
export function applyCall(state: OperationState, call: CallOptions): void {
  if (call.id !== undefined && !(state.hasId && state.id === call.id)) {
    state.host.admit(state.plan, call.id, 'inside');
    state.setId(call.id);
  }
  if (call.metadata !== undefined) state.metadata = { ...state.metadata, ...call.metadata };
  if (call.tags !== undefined) state.tags = mergeTags(state.tags ?? [], call.tags);
}

function mergeTags(
  first: readonly string[],
  second: readonly string[] | undefined,
): readonly string[] {
  return second === undefined ? first : [...new Set([...first, ...second])];
}

function applyDeadlines(
  state: OperationState,
  plan: OperationPlan,
  call: CallOptions | undefined,
  now: number,
): void {
  const timeout = call?.timeout ?? plan.timeout;
  const wall = call?.deadline ?? plan.deadline;
  if (wall !== undefined) {
    const extras = state.ensureExtras();
    const most = typeof timeout === 'number' ? underCeiling(state, timeout) : state.host.maxTimeout;
    extras.wallDeadline = wall;
    extras.monotonicDeadline = most === Infinity ? undefined : now + most;
    state.setDeadline(Math.min(most, Math.max(0, wall - wallNow())), now);
  } else if (typeof timeout === 'number') {
    const most = timeout <= state.host.maxTimeout ? timeout : underCeiling(state, timeout);
    state.setDeadline(most, now);
  } else if (state.parent !== undefined) {
    state.limit = state.parent.limit;
  }
}

/**
 * Moves the deadlines of a running operation: its handler was called and knows more.
 *
 * @returns whether it did
 */
export function retime(state: OperationState, plan: OperationPlan, call: CallOptions): boolean {
  if (call.timeout === undefined && call.deadline === undefined) return false;
  if (call.timeout === false && call.deadline === undefined && plan.deadline === undefined) {
    state.setDeadline(undefined, monotonicNow());
    return true;
  }
  const now = monotonicNow();
  applyDeadlines(state, plan, call, now);
  if (state.ownLimit !== undefined && state.ownLimit <= now) state.checkClock();
  return true;
}

const callsFromElsewhere = new SaidOnce();

function warnOfForeignContext(host: Host, name: string): void {
  if (!callsFromElsewhere.isFirst(host, name)) return;
  host.log.warn(
    `${name} was called from the context of an operation that was canceled and is over, so it runs ` +
      'on its own. A queue, pool, loader or timer that serves others calls from there: give it ' +
      'functions made with bind(fn). Work that was begun there without await is seen here, too.',
    { name },
  );
}
