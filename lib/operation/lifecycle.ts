import { cancelScope, parentRecord } from '../scope/cancel.js';
import { CancelRecord } from '../scope/cancel-record.js';
import { type CancelationError, createCancelationError } from '../scope/cancelation-error.js';
import { runCleanups } from './cleanups.js';
import { closeLateValue } from './late-value.js';
import { adoptAsCause, isDueTo } from './causes.js';
import { describeError } from '../scope/describe-error.js';
import { monotonicNow, wallNow } from '../scope/clock.js';
import { underCeiling } from './max-timeout.js';
import type { ContextCell } from '../scope/context.js';
import type { OperationHost, OperationOrigin } from './operation-host.js';
import type { CallOptions, OperationPlan } from './operation-plan.js';
import { OperationState } from './operation-state.js';
import { noop } from '../scope/thenable.js';
import { SaidOnce } from '../scope/said-once.js';
import type { Scope } from '../scope/scope.js';
import { needStackRoom, onFreshStack } from '../scope/stack-room.js';

export type Host = OperationHost<OperationState>;

/**
 * The one place where an operation starts.
 *
 * @param context where the call comes from
 * @param cell a cell that already stands in an async context, for operations begun inside of it
 * @throws ParentCancelation in a canceled scope; what the host refuses; RangeError before the stack ends
 */
export function startOperation(
  host: Host,
  plan: OperationPlan,
  context: ContextCell | undefined,
  call?: CallOptions,
  cell?: ContextCell,
): OperationState {
  needStackRoom();
  const scope = scopeFor(host, plan, context);
  const parent = scope?.operation() as OperationState | undefined;
  host.admit(plan, call?.id, originOf(plan, context, scope), parent?.tree);
  const exclusive = call?.exclusive ?? plan.exclusive;
  if (exclusive !== undefined) host.exclusives.admit(plan.name, exclusive, scope);
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
    void onFreshStack.then(() => neverBegan(state, error));
    throw error;
  }
  return state;
}

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

function originOf(
  plan: OperationPlan,
  context: ContextCell | undefined,
  scope: Scope | undefined,
): OperationOrigin {
  if (scope === undefined) return context?.isArriving === true ? 'detached' : 'outside';
  return plan.detached ? 'detached' : 'inside';
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

/** Creates the public `Operation` of a state; set by the file that defines it, which stands above. */
let createFacade: (state: OperationState) => object;

export function defineFacade(create: (state: OperationState) => object): void {
  createFacade = create;
}

export function facadeOf(state: OperationState): object {
  return createFacade(state);
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
    state.setDeadline(underCeiling(state, timeout), now);
  } else if (state.parent !== undefined) {
    state.limit = state.parent.limit;
  }
}

/** Moves the deadlines of a running operation: its handler was called and knows more. @returns whether it did */
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

/**
 * The one place where an operation settles: the body has given its outcome.
 *
 * @returns the outcome for the caller, once cleanups have run; a promise only if there are some
 * @throws what the caller gets instead of a value
 */
export function settleOperation(
  state: OperationState,
  succeeded: boolean,
  value: unknown,
): unknown {
  if (state.outcome !== undefined || state.decided) return value;
  state.decided = true;
  const { record } = state;
  const fails = !succeeded;
  let result = value;
  let outcome: 'completed' | 'failed' | 'canceled' = succeeded ? 'completed' : 'failed';
  if (record !== undefined) {
    outcome = 'canceled';
    if (succeeded) {
      state.returned = true;
    } else if (isDueTo(state, value)) {
      result = state.error();
      adoptAsCause(state.error(), value);
    } else if (!state.plan.race) {
      outcome = 'failed';
    }
    if (state.plan.race) reportLate(state, succeeded, value, result);
  }
  if (fails) state.cause = result;
  if (state.firstChild !== undefined) releaseChildren(state, outcome);
  const cleanups = state.extras?.cleanups;
  if (cleanups !== undefined) {
    const error = fails ? result : record && state.error();
    return runCleanups(state, cleanups, { status: outcome, error }, () => {
      finish(state, outcome, fails, result);
      return deliver(fails, result);
    });
  }
  finish(state, outcome, fails, result);
  return deliver(fails, result);
}

/**
 * Settles where whoever waits hears of the outcome by itself.
 *
 * @returns when cleanups have run, if there are any
 */
export function settleQuietly(
  state: OperationState,
  succeeded: boolean,
  value: unknown,
): Promise<unknown> | undefined {
  try {
    const pending = settleOperation(state, succeeded, value);
    return pending instanceof Promise ? pending.catch(noop) : undefined;
  } catch {
    // It is the error that it was settled with.
    return undefined;
  }
}

function deliver(fails: boolean, result: unknown): unknown {
  if (fails) throw result;
  return result;
}

/** In `race`, a cancel has sent the caller away; what comes now is only worth a line in the log. */
function reportLate(
  state: OperationState,
  succeeded: boolean,
  value: unknown,
  result: unknown,
): void {
  const { log } = state.host;
  if (succeeded) {
    log.debug(`${state.name} returned a value after it was canceled; the value is dropped`);
    closeLateValue(state, value);
  } else if (result === value && value !== state.error()) {
    const line = `${state.name} failed after it was canceled: ${describeError(value)}`;
    if (state.plan.kind === 'http') log.debug(line);
    else log.warn(line);
  }
}

/** Work that outlives its parent is canceled; what is already stopping goes on alone. */
function releaseChildren(state: OperationState, outcome: string): void {
  let warned = false;
  for (let child = state.firstChild; child !== undefined; child = state.firstChild) {
    if (child.record === undefined && !child.decided) {
      if (!warned && outcome === 'completed') {
        warned = true;
        warnOfLostWork(state, child);
      }
      const message = `parent ${state.name} has ${outcome === 'canceled' ? 'been canceled' : outcome}`;
      const origin = state.record === undefined ? undefined : state;
      cancelScope(child, new CancelRecord('parent', message, { origin, abandoned: true }));
    }
    if (child.parent === state) child.orphan();
  }
}

const lostWork = new SaidOnce();
const callsFromElsewhere = new SaidOnce();

function warnOfForeignContext(host: Host, name: string): void {
  if (!callsFromElsewhere.isFirst(host, name)) return;
  host.log.warn(
    `${name} was called from the context of an operation that was canceled and is over, so it runs ` +
      'on its own. A queue, pool, loader or timer that serves others calls from there: give it ' +
      'functions made with bind(fn). Work that was begun there without await is seen here, too.',
  );
}

function warnOfLostWork(state: OperationState, child: Scope): void {
  if (!lostWork.isFirst(state.host, state.name)) return;
  state.host.log.warn(
    `${state.name} completed while ${child.name} was still running, so ${child.name} was canceled. ` +
      'To keep such work: await it, give it detached: true, or start it with registry.spawn().',
  );
}

function finish(
  state: OperationState,
  outcome: 'completed' | 'failed' | 'canceled',
  fails: boolean,
  result: unknown,
): void {
  state.conclude(outcome);
  const { facade, extras } = state;
  const { on } = state.plan;
  const settledListeners = extras?.settledListeners;
  const giveUp = state.record !== undefined && state.plan.race;
  facade?.settled(!fails && !giveUp, fails ? result : giveUp ? state.error() : result);
  if (on !== undefined) callOutcome(state, outcome, result);
  if (settledListeners !== undefined) {
    for (const listener of settledListeners) state.callSafely('A settled listener', listener);
  }
  if (giveUp) state.releaseCaller();
  state.host.settled(state);
  state.end();
}

function callOutcome(state: OperationState, outcome: string, result: unknown): void {
  const on = state.plan.on as NonNullable<OperationPlan['on']>;
  const operation = facadeOf(state);
  if (outcome === 'completed' && on.complete)
    state.callSafely('on.complete', on.complete.bind(on), operation);
  if (outcome === 'failed' && on.error)
    state.callSafely('on.error', on.error.bind(on), operation, result);
  if (on.settled) state.callSafely('on.settled', on.settled.bind(on), operation);
}
