import { Observable } from 'rxjs';
import { OperationNotFound } from '../core/operation-errors.js';
import { Operation } from '../core/operation.js';
import type { OperationSnapshot } from '../core/snapshot.js';
import type { LiveOperations } from './live-operations.js';
import { ProgressFeed } from './progress-feed.js';

/**
 * One message of `watch()`; fits Nest's `MessageEvent`, so that an `@Sse()` handler can return it.
 *
 * @publicApi
 */
export interface OperationMessage {
  readonly type: 'state' | 'progress' | 'settled';
  readonly data: OperationSnapshot;
}

/** Present state first, then progress, then the outcome and the end. */
export function watchOperation(live: LiveOperations, id: string): Observable<OperationMessage> {
  return new Observable((subscriber) => {
    const state = live.get(id);
    if (state === undefined) {
      const remembered = live.history.find(id);
      if (remembered === undefined) {
        subscriber.error(new OperationNotFound('No operation with this id is live or remembered'));
        return undefined;
      }
      subscriber.next({ type: 'settled', data: remembered });
      subscriber.complete();
      return undefined;
    }
    const operation = Operation.of(state);
    subscriber.next({ type: 'state', data: operation.snapshot() });
    const feed = new ProgressFeed(() => {
      subscriber.next({ type: 'progress', data: operation.snapshot() });
    });
    const stopProgress = operation.onProgress(() => feed.offer());
    const stopSettled = operation.onSettled(() => {
      feed.stop();
      subscriber.next({ type: 'settled', data: operation.snapshot() });
      subscriber.complete();
    });
    return () => {
      feed.stop();
      stopProgress();
      stopSettled();
    };
  });
}
