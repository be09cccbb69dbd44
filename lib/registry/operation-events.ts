import { Observable, Subscriber, type Observer, type Subscription } from 'rxjs';
import { describeError } from '../core/causes.js';
import type { OperationLog } from '../core/operation-host.js';
import type { OperationState } from '../core/operation-state.js';
import { type OperationSnapshot, snapshotOf } from '../core/snapshot.js';

/** @publicApi */
export type OperationEventType = 'started' | 'progress' | 'canceled' | 'settled' | 'zombie';

/**
 * Something happened to an operation.
 *
 * @publicApi
 */
export interface OperationEvent {
  readonly type: OperationEventType;
  readonly operation: OperationSnapshot;
  readonly at: Date;
}

/** Events cost nothing until somebody subscribes: snapshots are taken for subscribers only. */
export class OperationEvents {
  private readonly subscribers = new Set<Subscriber<OperationEvent>>();
  readonly stream$: Observable<OperationEvent>;

  constructor(private readonly log: OperationLog) {
    this.stream$ = new GuardedObservable<OperationEvent>(log, (subscriber) => {
      this.subscribers.add(subscriber);
      return () => this.subscribers.delete(subscriber);
    });
  }

  get observed(): boolean {
    return this.subscribers.size > 0;
  }

  emit(type: OperationEventType, state: OperationState): void {
    const event: OperationEvent = { type, operation: snapshotOf(state), at: new Date() };
    for (const subscriber of [...this.subscribers]) {
      try {
        subscriber.next(event);
      } catch (error) {
        this.log.error(`A subscriber of events$ failed: ${describeError(error)}`);
      }
    }
  }
}

/** RxJS throws what a subscriber throws into the void, where it ends the process: this logs it. */
class GuardedObservable<Value> extends Observable<Value> {
  constructor(
    private readonly log: OperationLog,
    onSubscribe: (subscriber: Subscriber<Value>) => () => void,
  ) {
    super(onSubscribe);
  }

  override subscribe(
    observer?: Partial<Observer<Value>> | ((value: Value) => void) | null,
    ...legacy: [(((error: unknown) => void) | null)?, ((() => void) | null)?]
  ): Subscription {
    if (observer instanceof Subscriber) return super.subscribe(observer);
    const target = typeof observer === 'function' ? { next: observer } : observer;
    return super.subscribe({
      next: (value) => {
        try {
          target?.next?.(value);
        } catch (error) {
          this.log.error(
            `A subscriber of events$ failed: ${describeError(error)}`,
            error instanceof Error ? error.stack : undefined,
          );
        }
      },
      error: (error: unknown) => (target?.error ?? legacy[0])?.(error),
      complete: () => (target?.complete ?? legacy[1])?.(),
    });
  }
}
