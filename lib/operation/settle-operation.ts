import { cancelScope } from '../scope/cancel.js';
import { CancelRecord } from '../scope/cancel-record.js';
import { describeError } from '../scope/describe-error.js';
import { SaidOnce } from '../scope/said-once.js';
import type { Scope } from '../scope/scope.js';
import { noop } from '../scope/thenable.js';
import { adoptAsCause, isDueTo } from './causes.js';
import { runCleanups } from './cleanups.js';
import { closeLateValue } from './late-value.js';
import { facadeOf } from './operation-facade.js';
import type { OperationPlan } from './operation-plan.js';
import type { OutcomeStatus } from './operation-parts.js';
import type { OperationState } from './operation-state.js';

/** How an operation ends, and what that means for who waits for its body. */
interface Outcome {
  readonly status: OutcomeStatus;
  /** `value` is an error: the caller is thrown it. */
  readonly failed: boolean;
  readonly value: unknown;
}

/**
 * The one place where an operation settles: the body has ended. What was cut off before the host
 * listed it never had one, and ends in `neverBegan()` of `start-operation.ts` instead.
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
  if (state.record === undefined) {
    return settleAs(state, succeeded ? 'completed' : 'failed', !succeeded, value);
  }
  const outcome = decide(state, succeeded, value);
  return settleAs(state, outcome.status, outcome.failed, outcome.value);
}

/**
 * Cleans up, then finishes. The parts of an outcome travel alone: most calls need no object for
 * them.
 */
function settleAs(
  state: OperationState,
  status: OutcomeStatus,
  failed: boolean,
  value: unknown,
): unknown {
  if (failed) state.cause = value;
  if (state.firstChild !== undefined) releaseChildren(state, status);
  return state.extras?.cleanups === undefined
    ? finish(state, status, failed, value)
    : finishAfterCleanups(state, { status, failed, value });
}

function finishAfterCleanups(state: OperationState, { status, failed, value }: Outcome): unknown {
  const error = failed ? value : state.record && state.error();
  const cleanups = state.extras?.cleanups ?? [];
  return runCleanups(state, cleanups, { status, error }, () =>
    finish(state, status, failed, value),
  );
}

/** Decides the outcome of a canceled operation whose body has ended. */
function decide(state: OperationState, succeeded: boolean, value: unknown): Outcome {
  const outcome = succeeded ? decideValue(state, value) : decideError(state, value);
  if (state.plan.race) reportLate(state, value, outcome);
  return outcome;
}

/** The body gave a value although it was canceled. */
function decideValue(state: OperationState, value: unknown): Outcome {
  state.returned = true;
  return { status: 'canceled', failed: false, value };
}

/** The body failed after it was canceled: because of that, or by itself. */
function decideError(state: OperationState, error: unknown): Outcome {
  if (!isDueTo(state, error)) {
    return { status: state.plan.race ? 'canceled' : 'failed', failed: true, value: error };
  }
  const own = state.error();
  adoptAsCause(own, error);
  return { status: 'canceled', failed: true, value: own };
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

/** In `race`, a cancel has sent the caller away; what comes now is only worth a line in the log. */
function reportLate(state: OperationState, given: unknown, { failed, value }: Outcome): void {
  const { log } = state.host;
  if (!failed) {
    log.debug(`${state.name} returned a value after it was canceled; the value is dropped`, state);
    closeLateValue(state, given);
  } else if (value === given && given !== state.error()) {
    const line = `${state.name} failed after it was canceled: ${describeError(given)}`;
    if (state.plan.kind === 'http') log.debug(line, state);
    else log.warn(line, state);
  }
}

/** Work that outlives its parent is canceled; what is already stopping goes on alone. */
function releaseChildren(state: OperationState, status: OutcomeStatus): void {
  let warned = false;
  for (let child = state.firstChild; child !== undefined; child = state.firstChild) {
    if (child.record === undefined && !child.decided) {
      if (!warned && status === 'completed') {
        warned = true;
        warnOfLostWork(state, child);
      }
      const message = `parent ${state.name} has ${status === 'canceled' ? 'been canceled' : status}`;
      const origin = state.record === undefined ? undefined : state;
      cancelScope(child, new CancelRecord('parent', message, { origin, abandoned: true }));
    }
    if (child.parent === state) child.orphan();
  }
}

const lostWork = new SaidOnce();

function warnOfLostWork(state: OperationState, child: Scope): void {
  if (!lostWork.isFirst(state.host, state.name)) return;
  state.host.log.warn(
    `${state.name} completed while ${child.name} was still running, so ${child.name} was canceled. ` +
      'To keep such work: await it, give it detached: true, or start it with registry.spawn().',
    state,
  );
}

/** Everybody hears of the outcome, and the operation lets go of all it holds. */
function finish(
  state: OperationState,
  status: OutcomeStatus,
  failed: boolean,
  value: unknown,
): unknown {
  state.conclude(status);
  const { facade, extras } = state;
  const { on } = state.plan;
  const settledListeners = extras?.settledListeners;
  const givesUp = state.record !== undefined && state.plan.race;
  if (facade !== undefined) {
    if (givesUp && !failed) facade.settled(false, state.error());
    else facade.settled(!failed, value);
  }
  if (on !== undefined) callOutcome(state, status, value);
  if (settledListeners !== undefined) {
    for (const listener of settledListeners) state.callSafely('A settled listener', listener);
  }
  if (givesUp) state.releaseCaller();
  state.host.settled(state);
  state.end();
  if (failed) throw value;
  return value;
}

function callOutcome(state: OperationState, status: OutcomeStatus, result: unknown): void {
  const on = state.plan.on as NonNullable<OperationPlan['on']>;
  const operation = facadeOf(state);
  if (status === 'completed' && on.complete)
    state.callSafely('on.complete', on.complete.bind(on), operation);
  if (status === 'failed' && on.error)
    state.callSafely('on.error', on.error.bind(on), operation, result);
  if (on.settled) state.callSafely('on.settled', on.settled.bind(on), operation);
}
