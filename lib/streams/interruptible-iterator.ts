import type { ContextCell } from '../scope/context.js';
import { enterCell } from '../scope/context-carrier.js';
import { closeValue } from '../scope/close-value.js';
import type { CancelationError } from '../scope/cancelation-error.js';
import type { ListenerNode } from '../scope/listeners.js';
import { isThenable } from '../scope/thenable.js';
import type { Scope } from '../scope/scope.js';

/**
 * An opened source: asynchronous or not, and how to close it when its iterator would queue that.
 */
export interface IteratorSource<Item> {
  readonly iterator: AsyncIterator<Item> | Iterator<Item>;
  /** Closes at once, even while a `next()` is pending. Default: the iterator's `return()`. */
  readonly destroy?: () => unknown;
}

export interface IterationHooks<Item> {
  delivered?(item: Item): void;
  /**
   * The source gave its end, an error, or was closed; a promise is waited for. May replace the
   * error.
   */
  ended?(failed: boolean, error: unknown): unknown;
  /** The consumer stops early. */
  stopped?(): void;
  /** Translates the error of a cancel for the consumer. Default: as it is. */
  translate?(error: CancelationError): unknown;
}

/** The clock is asked once in so many items: a source that never waits starves the timers. */
const CLOCK_EVERY = 32;

const DONE: IteratorReturnResult<undefined> = Object.freeze({ done: true, value: undefined });

/**
 * Iterates a source on behalf of an operation: a cancel interrupts a pending `next()` and closes
 * the source, once and at once. Two promises an item, callbacks bound once.
 */
export class InterruptibleIterator<Item> implements AsyncIterableIterator<Item> {
  private source: IteratorSource<Item> | undefined = undefined;
  private observer: ListenerNode | undefined = undefined;
  private resolve: ((result: IteratorResult<Item>) => void) | undefined = undefined;
  private reject: ((error: unknown) => void) | undefined = undefined;
  private waiting: Promise<unknown> | undefined = undefined;
  private failure: { readonly error: unknown } | undefined = undefined;
  private over = false;
  private items = 0;

  /** @param given what is open already is closed by a cancel even if nobody ever pulls */
  constructor(
    private readonly scope: Scope,
    private readonly given: IteratorSource<Item> | (() => IteratorSource<Item>),
    private readonly hooks: IterationHooks<Item>,
    /** Runs the source's own code in this context, for bodies that are iterators. */
    private readonly cell?: ContextCell,
  ) {
    if (typeof given !== 'function') this.follow(given);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Item>> {
    if (this.resolve !== undefined) return this.afterPending(() => this.next());
    if (this.failure !== undefined) return this.deliverFailure();
    if (this.over) return Promise.resolve(DONE);
    if (++this.items % CLOCK_EVERY === 0) this.scope.checkClock();
    if (this.scope.isCanceled()) {
      this.interrupt(this.scope.error());
      return this.deliverFailure();
    }
    let result: PromiseLike<IteratorResult<Item>> | IteratorResult<Item>;
    try {
      const { iterator } = (this.source ??= this.start());
      if (this.over) return this.next();
      result =
        this.cell === undefined ? iterator.next() : enterCell(this.cell, () => iterator.next());
    } catch (error) {
      result = Promise.reject(error);
    }
    const waiting = new Promise<IteratorResult<Item>>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
      if (isThenable(result)) void result.then(this.onResult, this.onError);
      else this.onResult(result);
    });
    this.waiting = waiting;
    return waiting;
  }

  async return(value?: unknown): Promise<IteratorResult<Item>> {
    if (this.over) return { done: true, value };
    this.over = true;
    this.release();
    const { resolve } = this;
    this.resolve = this.reject = undefined;
    this.hooks.stopped?.();
    if (resolve !== undefined) {
      resolve(DONE);
      this.endWhenClosed(true, false, undefined);
      return { done: true, value };
    }
    try {
      await this.closeSource();
    } catch (error) {
      await this.hooks.ended?.(true, error);
      throw error;
    }
    await this.hooks.ended?.(false, undefined);
    return { done: true, value };
  }

  async throw(error: unknown): Promise<IteratorResult<Item>> {
    const iterator = this.source?.iterator;
    if (this.over || iterator?.throw === undefined) {
      await this.return();
      throw error;
    }
    const { cell } = this;
    const give = () => iterator.throw?.(error) as Promise<IteratorResult<Item>>;
    try {
      const result = await (cell === undefined ? give() : enterCell(cell, give));
      if (!isResult(result)) throw noObject('throw()', result);
      if (result.done === true) await this.endedByThrow(false, undefined);
      return result;
    } catch (thrown) {
      await this.endedByThrow(true, thrown);
      throw thrown;
    }
  }

  private async endedByThrow(failed: boolean, error: unknown): Promise<void> {
    if (this.over) return;
    this.over = true;
    this.release();
    await this.hooks.ended?.(failed, error);
  }

  private start(): IteratorSource<Item> {
    const open = this.given as () => IteratorSource<Item>;
    return this.follow(this.cell === undefined ? open() : enterCell(this.cell, open));
  }

  private follow(source: IteratorSource<Item>): IteratorSource<Item> {
    this.source = source;
    this.observer = this.scope.observe((error) => this.interrupt(error));
    return source;
  }

  private readonly onResult = (result: IteratorResult<Item>): void => {
    const { resolve } = this;
    if (!isResult(result)) return this.onError(noObject('next()', result));
    if (resolve === undefined || this.over) {
      closeValue(result.value, ignore);
      return this.lateEnd();
    }
    if (result.done === true) {
      this.finish(false, undefined);
      return;
    }
    this.resolve = this.reject = undefined;
    this.hooks.delivered?.(result.value);
    resolve(result);
  };

  private readonly onError = (error: unknown): void => {
    if (this.resolve === undefined || this.over) return this.lateEnd(error);
    this.finish(true, error);
  };

  /** The source has ended by itself: hooks first, then the consumer hears of it. */
  private finish(failed: boolean, error: unknown): void {
    const { resolve, reject } = this;
    this.over = true;
    this.release();
    this.resolve = this.reject = undefined;
    const deliver = () => (failed ? reject?.(error) : resolve?.(DONE));
    try {
      const pending = this.hooks.ended?.(failed, error);
      if (pending instanceof Promise) void pending.then(deliver, reject ?? undefined);
      else deliver();
    } catch (replaced) {
      reject?.(replaced);
    }
  }

  /** The cancel: the consumer is let go at once, the source is closed and not waited for. */
  private interrupt(error: CancelationError): void {
    if (this.over) return;
    this.over = true;
    this.release();
    const { reject } = this;
    const isPending = reject !== undefined;
    this.resolve = this.reject = undefined;
    const shown = this.hooks.translate?.(error) ?? error;
    if (reject !== undefined) reject(shown);
    else this.failure = { error: shown };
    this.endWhenClosed(isPending, true, error);
  }

  /** Closes the source without waiting for it: a generator would close only after its `next()`. */
  private endWhenClosed(isPending: boolean, failed: boolean, error: unknown): void {
    const end = () => this.endQuietly(failed, error);
    const closing = this.closeSource();
    if (closing !== undefined) closing.then(end, end);
    else if (!isPending) end();
    else this.lateEnd = end;
  }

  /**
   * Takes what a pending `next()` gives after the consumer was released: nobody pulls it any more.
   */
  private lateEnd: (error?: unknown) => void = () => {};

  private endQuietly(failed: boolean, error: unknown): void {
    try {
      const pending = this.hooks.ended?.(failed, error);
      if (pending instanceof Promise) pending.catch(() => {});
    } catch {
      // The consumer has this error already.
    }
  }

  /** @returns when the source is closed; `undefined` if that cannot be known */
  private closeSource(): Promise<unknown> | undefined {
    const { source } = this;
    if (source === undefined) return Promise.resolve();
    const { iterator, destroy } = source;
    if (destroy === undefined && iterator.return === undefined) return undefined;
    const close = (): unknown => (destroy === undefined ? iterator.return?.() : destroy());
    try {
      const result = this.cell === undefined ? close() : enterCell(this.cell, close);
      return Promise.resolve(result);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  private deliverFailure(): Promise<never> {
    const { error } = this.failure as { error: unknown };
    this.failure = undefined;
    return Promise.reject(error);
  }

  private async afterPending(
    next: () => Promise<IteratorResult<Item>>,
  ): Promise<IteratorResult<Item>> {
    const { waiting } = this;
    await waiting?.catch(() => {});
    return next();
  }

  private release(): void {
    this.observer?.remove();
    this.observer = undefined;
  }
}

function isResult(result: unknown): boolean {
  return typeof result === 'object' && result !== null;
}

function noObject(method: string, result: unknown): TypeError {
  return new TypeError(`${method} gave ${String(result)}, which is no object`);
}

function ignore(): void {}
