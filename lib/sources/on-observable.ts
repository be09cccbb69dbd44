import type { Observable } from 'rxjs';
import type { CancelationSource } from './source.js';

/**
 * Cancels when an Observable emits for the first time, with reason `condition`; when it errors,
 * with the error as cause. Its completion means nothing.
 *
 * @example
 * sources: [onObservable(this.stops$.pipe(filter(({ id }) => id === job.id)))]
 * @publicApi
 */
export function onObservable(source$: Observable<unknown>): CancelationSource {
  return {
    name: 'observable',
    start(trigger) {
      const subscription = source$.subscribe({
        next: () => trigger(),
        error: (error: unknown) => trigger({ message: 'observable failed', cause: error }),
      });
      return () => subscription.unsubscribe();
    },
  };
}
