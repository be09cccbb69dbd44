import { isObservable, Observable } from 'rxjs';
import { enterCell } from '../scope/context-carrier.js';
import { cancelScope } from '../scope/cancel.js';
import type { CancelationError } from '../scope/cancelation-error.js';
import { CancelRecord } from '../scope/cancel-record.js';
import { streamOf } from '../scope/close-value.js';
import { closeLateValue } from '../operation/late-value.js';
import { Held } from '../operation/held.js';
import { settleOperation } from '../operation/settle-operation.js';
import type { ListenerNode } from '../scope/listeners.js';
import { OperationConflict } from '../operation/operation-errors.js';
import type { OperationState } from '../operation/operation-state.js';
import { isThenable, noop } from '../scope/thenable.js';
import { InterruptibleIterator } from '../streams/interruptible-iterator.js';
import { openSource } from '../streams/open-source.js';

/**
 * How a lazy result is tied to an operation: begun by each consumer, or borrowed from somebody who
 * settles it himself.
 */
export interface OperationProvider {
  /** @returns the operation, or who holds its key. @throws what refuses the start */
  begin(): OperationState | Held<OperationState>;
  /** The consumer has seen the end. May throw a better error, or give a promise to wait for. */
  end(state: OperationState, succeeded: boolean, value: unknown): unknown;
  /** The consumer leaves early. */
  stop(state: OperationState): void;
  /** Translates the error of a cancel for the consumer of an iterable. Default: as it is. */
  translate?: (error: CancelationError) => unknown;
  /** The consumer leaves before it began. */
  skip?(): void;
}

/** Every consumer gets an operation of its own. */
export function providerOf(begin: () => OperationState | Held<OperationState>): OperationProvider {
  return { begin, end: settleOperation, stop: stopConsumer };
}

/** The operation is somebody else's; this result only stops with it. */
export function borrowed(state: OperationState): OperationProvider {
  return { begin: () => state, end: passOn, stop: () => {} };
}

function passOn(_state: OperationState, succeeded: boolean, value: unknown): unknown {
  if (!succeeded) throw value;
  return value;
}

const borrowing = new WeakMap<object, AsyncIterable<unknown>>();

/** An iterable that stops with an operation, until somebody takes it over. */
export function borrowingIterable<Item>(
  state: OperationState,
  iterable: AsyncIterable<Item>,
): AsyncGenerator<Item> {
  const provider = { ...borrowed(state), skip: () => closeLateValue(state, iterable) };
  const iterator = operateIterator(provider, () => iterable);
  borrowing.set(iterator, iterable);
  return iterator;
}

/**
 * What was borrowed, for whoever settles the operation with its end: only the thing itself tells
 * when it has really closed.
 */
export function ownIterable(iterable: AsyncIterable<unknown>): AsyncIterable<unknown> {
  return borrowing.get(iterable) ?? iterable;
}

/** The shape of a result: consumed later, flowing already, or a plain value. */
export type ResultShape = 'observable' | 'iterable' | 'stream' | 'value';

/** A thenable is a promise before it is anything else, so it never gets here as one of these. */
export function shapeOf(value: unknown): ResultShape {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return 'value';
  if (streamOf(value) !== undefined) return 'stream';
  if (isObservable(value)) return 'observable';
  if (isThenable(value)) return 'value';
  return typeof (value as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator] === 'function'
    ? 'iterable'
    : 'value';
}

/**
 * The operation of a consumer; `undefined`: another one holds the key, and there is nothing to
 * consume.
 *
 * @throws what refuses the start; OperationConflict for `join`: what flows to one consumer cannot
 * be shared
 */
function beginFor(provider: OperationProvider): OperationState | undefined {
  const begun = provider.begin();
  if (!(begun instanceof Held)) return begun;
  if (!begun.joins) return undefined;
  throw new OperationConflict(
    `${begun.holder.name} is running already for this key, and only a promise can be joined`,
  );
}

/** One operation per subscription, from `subscribe` to completion, error or teardown. */
export function operateObservable<Value>(
  provider: OperationProvider,
  open: (state: OperationState) => Observable<Value>,
): Observable<Value> {
  return new Observable<Value>((subscriber) => {
    let begun: OperationState | undefined;
    try {
      begun = beginFor(provider);
    } catch (error) {
      subscriber.error(error);
      return undefined;
    }
    if (begun === undefined) {
      subscriber.complete();
      return undefined;
    }
    const state = begun;
    let over = false;
    let observer: ListenerNode | undefined = undefined as ListenerNode | undefined;
    let upstream: { unsubscribe(): void } | undefined;
    const end = (succeeded: boolean, value: unknown, deliver: (error?: unknown) => void): void => {
      if (over) return;
      over = true;
      observer?.remove();
      try {
        const pending = provider.end(state, succeeded, value);
        if (pending instanceof Promise) void pending.then(() => deliver(), fail);
        else deliver();
      } catch (error) {
        fail(error);
      }
    };
    const fail = (error: unknown) => subscriber.error(error);
    observer = state.observe((error) => {
      try {
        upstream?.unsubscribe();
      } catch (failure) {
        state.logFailure('The teardown of an Observable', failure);
      }
      end(false, error, () => subscriber.error(error));
    });
    if (!over) {
      upstream = enterCell(state.cell, () => {
        try {
          return open(state).subscribe({
            next: (value) => subscriber.next(value),
            error: (error: unknown) => end(false, error, () => subscriber.error(error)),
            complete: () => end(true, undefined, () => subscriber.complete()),
          });
        } catch (error) {
          end(false, error, () => subscriber.error(error));
          return undefined;
        }
      });
    }
    return () => {
      if (!over) provider.stop(state);
      upstream?.unsubscribe();
    };
  });
}

/** One operation per iteration, from the first `next()` to the end. */
export function operateIterable<Item>(
  provider: OperationProvider,
  open: (state: OperationState) => AsyncIterable<Item>,
): AsyncIterable<Item> {
  return { [Symbol.asyncIterator]: () => operateIterator(provider, open) };
}

/**
 * The same for what is iterated once: a generator, whose operation begins at the first `next()`.
 */
export function operateIterator<Item>(
  provider: OperationProvider,
  open: (state: OperationState) => AsyncIterable<Item>,
): AsyncGenerator<Item> {
  let inner: InterruptibleIterator<Item> | undefined;
  let isOver = false;
  const begin = (): InterruptibleIterator<Item> | undefined => {
    const state = beginFor(provider);
    if (state === undefined) return undefined;
    let stopped = false;
    return new InterruptibleIterator<Item>(
      state,
      () => openSource(open(state)) as { iterator: AsyncIterator<Item> },
      {
        ended: (failed, error) => {
          if (!stopped) return provider.end(state, !failed, failed ? error : undefined);
          // A consumer that has stopped hears of no error any more.
          try {
            const reason = state.record === undefined ? error : state.error();
            const pending = provider.end(state, false, reason);
            return pending instanceof Promise ? pending.catch(noop) : pending;
          } catch {
            return undefined;
          }
        },
        ...(provider.translate === undefined ? undefined : { translate: provider.translate }),
        stopped: () => {
          stopped = true;
          provider.stop(state);
        },
      },
      state.cell,
    );
  };
  const generator = {
    next(): Promise<IteratorResult<Item>> {
      if (isOver) return Promise.resolve({ done: true, value: undefined });
      try {
        inner ??= begin();
      } catch (error) {
        isOver = true;
        return Promise.reject(error);
      }
      if (inner !== undefined) return inner.next();
      isOver = true;
      return Promise.resolve({ done: true, value: undefined });
    },
    async return(value?: unknown): Promise<IteratorResult<Item>> {
      if (inner !== undefined) return inner.return(value);
      if (!isOver) provider.skip?.();
      isOver = true;
      return { done: true, value };
    },
    async throw(error: unknown): Promise<IteratorResult<Item>> {
      if (inner !== undefined) return inner.throw(error);
      if (!isOver) provider.skip?.();
      isOver = true;
      throw error;
    },
    [Symbol.asyncIterator](): AsyncGenerator<Item> {
      return generator as unknown as AsyncGenerator<Item>;
    },
  };
  return generator as unknown as AsyncGenerator<Item>;
}

/** A consumer that leaves early cancels what is left. */
export function stopConsumer(state: OperationState): void {
  cancelScope(state, new CancelRecord('manual', 'consumer stopped'));
}
