import type { CallHandler } from '@nestjs/common';
import { Subscriber } from 'rxjs';
import type { LogSubject, SubjectLog } from '../operation/operation-log.js';
import type { ContextCell } from '../scope/context.js';
import { enterCell } from '../scope/context-carrier.js';
import { describeError, stackOf } from '../scope/describe-error.js';

/** Hears what comes out of a chain of interceptors. */
export interface ChainListener {
  onValue(value: unknown): void;
  onError(error: unknown): void;
  onComplete(): void;
  /** Whether the chain goes on to its end although the router has lost interest. */
  keepsChain(): boolean;
  /** The router has lost interest before the end. */
  onTeardown(): void;
}

/**
 * Stands between a chain and the router, as RxJS' own operators do: one object a request, where an
 * observer of closures would cost several.
 */
export class ChainSubscriber extends Subscriber<unknown> {
  constructor(
    destination: Subscriber<unknown>,
    private readonly listener: ChainListener,
  ) {
    super(destination);
  }

  /** Begins the chain in the context of its call. */
  follow(next: CallHandler, cell: ContextCell): void {
    enterCell(cell, beginChain, next, this);
  }

  /** Lets go of the chain; a teardown that throws is logged. */
  leave(log: SubjectLog, about: LogSubject): void {
    try {
      this.unsubscribe();
    } catch (error) {
      log.error(
        `The teardown of ${about.name} failed: ${describeError(error)}`,
        stackOf(error),
        about,
      );
    }
  }

  protected override _next(value: unknown): void {
    try {
      this.listener.onValue(value);
    } catch (error) {
      this.error(error);
    }
  }

  protected override _error(error: unknown): void {
    try {
      this.listener.onError(error);
    } finally {
      this.unsubscribe();
    }
  }

  protected override _complete(): void {
    try {
      this.listener.onComplete();
    } finally {
      this.unsubscribe();
    }
  }

  override unsubscribe(): void {
    if (this.closed || this.listener.keepsChain()) return;
    super.unsubscribe();
    this.listener.onTeardown();
  }
}

function beginChain(next: CallHandler, subscriber: ChainSubscriber): void {
  next.handle().subscribe(subscriber);
}
