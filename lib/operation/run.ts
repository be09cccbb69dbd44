import { contextCarrier, enterCell } from '../scope/context-carrier.js';
import { contextStorage } from '../scope/context-storage.js';
import { isCancelation } from '../scope/cancelation-error.js';
import { causeChain } from './causes.js';
import { currentCell, currentScope } from '../scope/context.js';
import { streamOf } from '../scope/close-value.js';
import { Held } from './held.js';
import { facadeOf } from './operation-facade.js';
import { settleOperation, settleQuietly } from './settle-operation.js';
import { type Host, startOperation } from './start-operation.js';
import type { CallOptions, OperationPlan } from './operation-plan.js';
import { OperationConflict } from './operation-errors.js';
import type { OperationState } from './operation-state.js';
import { isTraced, traceBody } from './run-channel.js';
import { whenSettled } from './when-settled.js';
import { isThenable, noop } from '../scope/thenable.js';
import { needsPreparation, prepareOperation } from './start-conditions.js';
import { raceIn } from '../scope/sleep.js';
import { onFreshStack } from '../scope/stack-room.js';

type Body = (...args: never[]) => unknown;

/** Starts an operation and runs a promise-returning body in it. A synchronous throw rejects. */
export function runOperation<Result>(
  host: Host,
  plan: OperationPlan,
  body: (state: OperationState) => Result | PromiseLike<Result>,
  call?: CallOptions,
): Promise<Awaited<Result>> {
  let state: OperationState | Held<OperationState>;
  try {
    state = startOperation(host, plan, currentCell(), call);
  } catch (error) {
    return Promise.reject(error);
  }
  if (state instanceof Held) return runAfter(state, host, plan, body, call);
  try {
    return runPrepared(state, call, body, undefined, [state]) as Promise<Awaited<Result>>;
  } catch (error) {
    const begun = state;
    void onFreshStack.then(() => giveUp(begun, undefined, error));
    throw error;
  }
}

function runAfter<Result>(
  held: Held<OperationState>,
  ...call: Parameters<typeof runOperation<Result>>
): Promise<Awaited<Result>> {
  return outcomeOf(held, () => runOperation(...call)) as Promise<Awaited<Result>>;
}

/**
 * What a call gets that did not start: the outcome of the one it joins, or nothing. If that one's
 * own caller left, there is somebody who still waits: the call is made after all.
 */
export async function outcomeOf(
  { holder, joins }: Held<OperationState>,
  again: () => unknown,
): Promise<unknown> {
  if (!joins) return undefined;
  const outcome = holder.promise ?? (facadeOf(holder) as { result: Promise<unknown> }).result;
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

/** Refuses to share a stream, which flows to one caller only. @throws OperationConflict */
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

/** Starts the sources and takes the lease, then runs the body, unless it is skipped. */
export function runPrepared(
  state: OperationState,
  call: CallOptions | undefined,
  body: Body,
  self: unknown,
  args: readonly unknown[],
): Promise<unknown> {
  if (!needsPreparation(state.plan, call)) return runBody(state, body, self, args);
  let pending: Promise<boolean> | undefined;
  try {
    pending = prepareOperation(state, call);
  } catch (error) {
    return follow(state, Promise.reject(error));
  }
  return pending === undefined
    ? runBody(state, body, self, args)
    : follow(
        state,
        pending.then((runs) => (runs ? callBody(state, body, self, args) : undefined)),
      );
}

/** Calls the body in its operation's context and follows what it gives. */
export function runBody(
  state: OperationState,
  body: Body,
  self: unknown,
  args: readonly unknown[],
): Promise<unknown> {
  const result = enterBody(state, body, self, args);
  return state.promise ?? follow(state, Promise.resolve(result));
}

/**
 * Calls the body in its operation's context and follows the promise it gives. A synchronous throw
 * rejects.
 *
 * @returns the caller's promise, which is `state.promise`; or what the body gave that is no promise
 */
export function enterBody(
  state: OperationState,
  body: Body,
  self: unknown,
  args: readonly unknown[],
): unknown {
  if (state.record !== undefined) return follow(state, Promise.reject(state.error()));
  if (isAccompanied()) return enterAccompanied(state, body, self, args);
  return contextStorage.run(state.cell, applyAndFollow, state, body, self, args);
}

/** Whether bodies are traced, or something else comes with their context. */
function isAccompanied(): boolean {
  return contextCarrier.enter !== undefined || isTraced();
}

/** A function of its own: closures in a hot one cost even where they are not made. */
function enterAccompanied(
  state: OperationState,
  body: Body,
  self: unknown,
  args: readonly unknown[],
): unknown {
  const traced = () => traceBody(state, () => apply(body, self, args));
  return isTraced()
    ? enterCell(state.cell, applyAndFollow, state, traced, undefined, [])
    : enterCell(state.cell, applyAndFollow, state, body, self, args);
}

function applyAndFollow(
  state: OperationState,
  body: Body,
  self: unknown,
  args: readonly unknown[],
): unknown {
  let result: unknown;
  try {
    result = apply(body, self, args);
    if (!(result instanceof Promise)) {
      if (!isThenable(result)) return result;
      result = Promise.resolve(result);
    }
  } catch (error) {
    result = Promise.reject(error);
  }
  try {
    return followHere(state, result as Promise<unknown>);
  } catch (error) {
    const begun = state;
    const given = result;
    void onFreshStack.then(() => giveUp(begun, given, error));
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
  if (isAccompanied()) return callAccompanied(state, body, self, args);
  return contextStorage.run(state.cell, apply, body, self, args);
}

/** Calls a body whose context has been entered already. */
export function callBodyHere(
  state: OperationState,
  body: Body,
  self: unknown,
  args: readonly unknown[],
): unknown {
  if (state.record !== undefined) throw state.error();
  return isAccompanied() ? callAccompanied(state, body, self, args) : apply(body, self, args);
}

function callAccompanied(
  state: OperationState,
  body: Body,
  self: unknown,
  args: readonly unknown[],
): unknown {
  return isTraced()
    ? enterCell(state.cell, () => traceBody(state, () => apply(body, self, args)))
    : enterCell(state.cell, apply, body, self, args);
}

/** The promise the caller gets. */
export function follow(state: OperationState, body: Promise<unknown>): Promise<unknown> {
  return contextStorage.run(state.cell, followHere, state, body);
}

/**
 * The same, in the operation's context. `wait` derives a promise; `race` needs a second, to let the
 * caller go early. The handlers are the same for all operations, and find theirs by the context
 * they are added in: closures would be a quarter of what a live operation weighs.
 */
function followHere(state: OperationState, body: Promise<unknown>): Promise<unknown> {
  if (!state.plan.race) return (state.promise = body.then(onValue, onError));
  following = state;
  const promise = (state.promise = new Promise<unknown>(keepRelease));
  void body.then(onRaceValue, onRaceError);
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
