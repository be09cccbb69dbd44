import { contextStorage } from './ambient.js';
import { isCancelation } from './cancelation-error.js';
import { causeChain } from './causes.js';
import { currentCell, currentScope } from './context.js';
import { streamOf } from './close-value.js';
import { NotStarted } from './exclusive.js';
import { faceOf, type Host, settleOperation, settleQuietly, startOperation } from './lifecycle.js';
import type { CallOptions, OperationPlan } from './operation-plan.js';
import { OperationConflict } from './operation-errors.js';
import { type OperationState, whenSettled } from './operation-state.js';
import { isThenable, noop } from './thenable.js';
import { needsPreparation, prepareOperation } from './prepare.js';
import { raceIn } from './sleep.js';
import { onFreshStack } from './stack-room.js';

type Body = (...args: never[]) => unknown;

/** Starts an operation and runs a promise-returning body in it. A synchronous throw rejects. */
export function runOperation<Result>(
  host: Host,
  plan: OperationPlan,
  body: (state: OperationState) => Result | PromiseLike<Result>,
  call?: CallOptions,
): Promise<Awaited<Result>> {
  let state: OperationState;
  try {
    state = startOperation(host, plan, currentCell(), call);
  } catch (error) {
    const again = () => runOperation(host, plan, body, call);
    return (
      error instanceof NotStarted ? outcomeOf(error, again) : Promise.reject(error)
    ) as Promise<Awaited<Result>>;
  }
  try {
    return runPrepared(state, call, body, undefined, [state]) as Promise<Awaited<Result>>;
  } catch (error) {
    void onFreshStack.then(() => giveUp(state, undefined, error));
    throw error;
  }
}

/**
 * What a call gets that did not start: the outcome of the one it joins, or nothing. If that one's
 * own caller left, there is somebody who still waits: the call is made after all.
 */
export async function outcomeOf(
  { holder, joins }: NotStarted,
  again: () => unknown,
): Promise<unknown> {
  if (!joins) return undefined;
  const outcome = holder.promise ?? (faceOf(holder) as { result: Promise<unknown> }).result;
  const scope = currentScope();
  try {
    const value = await (scope === undefined ? outcome : raceIn(scope, outcome));
    refuseFlowing(holder, value);
    return value;
  } catch (error) {
    if (!hasLostItsCaller(holder) || scope?.isCanceled() === true) {
      if (isCancelation(error)) sharedOutcomes.add(error);
      throw error;
    }
    const settled = whenSettled(holder);
    await (scope === undefined ? settled : raceIn(scope, settled));
    return again();
  }
}

/** What flows to one caller cannot be shared with another. @throws OperationConflict */
function refuseFlowing({ name }: OperationState, value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  if (streamOf(value) === undefined && !(Symbol.asyncIterator in value)) return;
  throw new OperationConflict(
    `${name} is running already for this key, and a stream cannot be joined`,
  );
}

/** Cancelations that calls got because they joined the one that was canceled. */
const sharedOutcomes = new WeakSet<object>();

export function isSharedOutcome(error: object): boolean {
  return sharedOutcomes.has(error);
}

function hasLostItsCaller({ record }: OperationState): boolean {
  if (record === undefined || record.reason === 'disconnect') return record !== undefined;
  for (const link of causeChain(record.origin)) {
    if (isCancelation(link) && link.reason === 'disconnect') return true;
  }
  return false;
}

/** Starts the sources, then runs the body. */
export function runPrepared(
  state: OperationState,
  call: CallOptions | undefined,
  body: Body,
  self: unknown,
  args: readonly unknown[],
): Promise<unknown> {
  if (!needsPreparation(state.plan, call)) return runBody(state, body, self, args);
  let pending: Promise<void> | undefined;
  try {
    pending = prepareOperation(state, call);
  } catch (error) {
    return follow(state, Promise.reject(error));
  }
  return pending === undefined
    ? runBody(state, body, self, args)
    : follow(
        state,
        pending.then(() => callBody(state, body, self, args)),
      );
}

/** Calls the body in its operation's context and follows the promise it gives. */
export function runBody(
  state: OperationState,
  body: Body,
  self: unknown,
  args: readonly unknown[],
): Promise<unknown> {
  let result: unknown;
  try {
    result = callBody(state, body, self, args);
  } catch (error) {
    result = Promise.reject(error);
  }
  try {
    return follow(state, toPromise(result));
  } catch (error) {
    void onFreshStack.then(() => giveUp(state, result, error));
    throw error;
  }
}

/** Settles what could not be followed: the stack ended meanwhile. */
export function giveUp(state: OperationState, body: unknown, error: unknown): void {
  if (isThenable(body)) body.then(noop, noop);
  state.promise?.catch(noop);
  void settleQuietly(state, false, error);
}

/** Calls the body, unless something canceled the operation while it started. */
export function callBody(
  state: OperationState,
  body: Body,
  self: unknown,
  args: readonly unknown[],
): unknown {
  if (state.record !== undefined) throw state.error();
  return contextStorage.run(state.cell, apply, body, self, args);
}

/** The promise the caller gets. `wait` derives one; `race` needs a second, to let go early. */
export function follow(state: OperationState, body: Promise<unknown>): Promise<unknown> {
  if (!state.plan.race) {
    return (state.promise = contextStorage.run(state.cell, settleWith, body));
  }
  following = state;
  const promise = (state.promise = new Promise<unknown>(keepRelease));
  contextStorage.run(state.cell, releaseWith, body);
  return promise;
}

/** The operation whose caller's promise is being made: one executor serves all. */
let following: OperationState | undefined;

function keepRelease(resolve: (value: unknown) => void, reject: (error: unknown) => void): void {
  const state = following as OperationState;
  following = undefined;
  if (state.record !== undefined && state.shields === 0) {
    reject(state.error());
  } else {
    state.resolve = resolve;
    state.reject = reject;
  }
}

/**
 * Handlers that are the same for all operations: the one that is meant is that of the context they
 * are added in. Closures of its own would be a quarter of what a live operation weighs.
 */
function settleWith(body: Promise<unknown>): Promise<unknown> {
  return body.then(onValue, onError);
}

function releaseWith(body: Promise<unknown>): void {
  void body.then(onRaceValue, onRaceError);
}

function followed(): OperationState | undefined {
  return currentCell()?.scope as OperationState | undefined;
}

function onValue(value: unknown): unknown {
  const state = followed();
  return state === undefined ? value : conclude(state, value);
}

function onError(error: unknown): unknown {
  const state = followed();
  if (state === undefined) throw error;
  return settleOperation(state, false, error);
}

function onRaceValue(value: unknown): void {
  const state = followed();
  if (state !== undefined) concludeRace(state, value);
}

function onRaceError(error: unknown): void {
  const state = followed();
  if (state !== undefined) failRace(state, error);
}

/** The body gave a value: the end, unless it is something that goes on. */
function conclude(state: OperationState, value: unknown): unknown {
  const { adopt } = state.plan;
  if (adopt !== undefined && typeof value === 'object' && value !== null) {
    const adopted = adopt(state as never, value);
    if (adopted !== undefined) return adopted.value;
  }
  return settleOperation(state, true, value);
}

function concludeRace(state: OperationState, value: unknown): void {
  const { resolve, reject } = state;
  const result = conclude(state, value);
  if (result instanceof Promise) void result.then(resolve, (error: unknown) => reject?.(error));
  else resolve?.(result);
}

function failRace(state: OperationState, error: unknown): void {
  const { reject } = state;
  try {
    const pending = settleOperation(state, false, error);
    if (pending instanceof Promise) pending.catch((final: unknown) => reject?.(final));
  } catch (final) {
    reject?.(final);
  }
}

const apply = Reflect.apply as (body: Body, self: unknown, args: readonly unknown[]) => unknown;

function toPromise(value: unknown): Promise<unknown> {
  return value instanceof Promise ? value : Promise.resolve(value);
}
