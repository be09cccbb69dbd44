import { Observable } from 'rxjs';
import { OperationNotFound } from '../core/operation-errors.js';
import { Operation } from '../core/operation.js';
import type { OperationSnapshot } from '../core/snapshot.js';
import type { LiveOperations } from './live-operations.js';

/**
 * One message of `watch()`; fits Nest's `MessageEvent`, so that an `@Sse()` handler can return it.
 *
 * @publicApi
 */
export interface OperationMessage {
  readonly type: 'state' | 'progress' | 'settled';
  readonly data: OperationSnapshot;
}

/** An observer hears of progress at most this often, in milliseconds: the first, then the latest. */
const PROGRESS_INTERVAL = 100;

/** Work may report a thousand times a second; who watches it gets what a person can follow. */
class ProgressFeed {
  private timer: ReturnType<typeof setTimeout> | undefined = undefined;
  private isDue = false;

  constructor(private readonly deliver: () => void) {}

  offer(): void {
    if (this.timer !== undefined) {
      this.isDue = true;
      return;
    }
    this.deliver();
    this.rest();
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private rest(): void {
    this.timer = setTimeout(() => {
      this.timer = undefined;
      if (!this.isDue) return;
      this.isDue = false;
      this.deliver();
      this.rest();
    }, PROGRESS_INTERVAL);
    this.timer.unref?.();
  }
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
