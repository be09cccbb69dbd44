import { type MonoTypeOperatorFunction, Observable } from 'rxjs';
import { CancelationToken } from '../scope/token.js';

/**
 * Errors with the token's CancelationError when it is canceled, and unsubscribes from the source.
 * (`takeUntil` would complete instead, as if all had come.)
 *
 * @example
 * prices$.pipe(cancelWith(currentToken()), map(render))
 * @publicApi
 */
export function cancelWith<Value>(token: CancelationToken): MonoTypeOperatorFunction<Value> {
  return (source) =>
    new Observable<Value>((subscriber) => {
      const node = CancelationToken.scopeOf(token).observe((error) => subscriber.error(error));
      if (!subscriber.closed) subscriber.add(source.subscribe(subscriber));
      return () => node.remove();
    });
}
