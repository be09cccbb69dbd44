import { Observable, type Subscriber, Subscription } from 'rxjs';
import { rootCause } from '../operation/causes.js';
import { type CallingScope, callingScope } from '../operation/calling-scope.js';
import { currentCell } from '../scope/context.js';
import type { Scope } from '../scope/scope.js';

/** A call to another service, as its client makes it. */
export interface OutgoingCall {
  readonly answers: Observable<unknown>;
  /** Nobody waits any more. */
  abandoned?(timedOut: boolean): void;
}

/**
 * Ties a call to the operation that makes it. Calls outside of one stay as they are, and so do
 * those of an operation that has ended, or whose application wants nothing.
 *
 * @param plain the call as it is without this library
 */
export function callWithin<Owner>(
  owners: ReadonlyMap<object, Owner>,
  plain: () => Observable<unknown>,
  open: (caller: CallingScope<Owner>) => OutgoingCall,
): Observable<unknown> {
  const cell = owners.size === 0 ? undefined : currentCell();
  if (cell === undefined) return plain();
  // Not before somebody subscribes: each subscriber makes a call of its own.
  return new Observable((subscriber) => {
    const caller = callingScope(owners, cell);
    if (caller === undefined) return plain().subscribe(subscriber);
    const { scope } = caller;
    scope.checkClock();
    if (scope.isCanceled()) {
      subscriber.error(scope.error());
      return undefined;
    }
    return follow(scope, open(caller), subscriber);
  });
}

function follow(scope: Scope, call: OutgoingCall, subscriber: Subscriber<unknown>): () => void {
  const upstream = new Subscription();
  let isOver = false;
  const leave = (isLate: boolean) => {
    if (isOver) return;
    isOver = true;
    upstream.unsubscribe();
    call.abandoned?.(isLate);
  };
  const timedOut = () => scope.isCanceled() && rootCause(scope.error())?.reason === 'timeout';
  const stopListening = scope.addListener((error) => {
    leave(timedOut());
    subscriber.error(error);
  });
  upstream.add(
    call.answers.subscribe({
      next: (value) => subscriber.next(value),
      error: (error: unknown) => {
        // Both sides have the same deadline: whoever notices first, here it is our own.
        scope.checkClock();
        isOver = true;
        subscriber.error(error);
      },
      complete: () => {
        isOver = true;
        subscriber.complete();
      },
    }),
  );
  return () => {
    stopListening();
    // The consumer of the answers may have heard of the timeout first.
    leave(timedOut());
  };
}
