import { Observable, Subscriber, type Observer, type Operator, type Subscription } from 'rxjs';
import { describeError } from '../core/describe-error.js';
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

  constructor(log: OperationLog) {
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
    for (const subscriber of [...this.subscribers]) subscriber.next(event);
  }
}

/** RxJS throws what a subscriber throws into the void, where it ends the process: this logs it. */
class GuardedObservable<Value> extends Observable<Value> {
  constructor(
    private readonly log: OperationLog,
    onSubscribe?: (subscriber: Subscriber<Value>) => () => void,
  ) {
    super(onSubscribe);
  }

  /** What operators make of this one is guarded too. */
  override lift<Result>(operator?: Operator<Value, Result>): Observable<Result> {
    const lifted = new GuardedObservable<Result>(this.log);
    lifted.source = this;
    lifted.operator = operator;
    return lifted;
  }

  override subscribe(
    observer?: Partial<Observer<Value>> | ((value: Value) => void) | null,
    ...legacy: [(((error: unknown) => void) | null)?, ((() => void) | null)?]
  ): Subscription {
    if (observer instanceof Subscriber) return super.subscribe(observer);
    const target: Partial<Observer<Value>> =
      typeof observer === 'object' && observer !== null
        ? observer
        : {
            ...(observer ? { next: observer } : undefined),
            ...(legacy[0] ? { error: legacy[0] } : undefined),
            ...(legacy[1] ? { complete: legacy[1] } : undefined),
          };
    return super.subscribe({
      next: (value) => this.guard(() => target.next?.(value)),
      error: (error: unknown) =>
        this.guard(() => {
          if (target.error === undefined) throw error;
          target.error(error);
        }),
      complete: () => this.guard(() => target.complete?.()),
    });
  }

  private guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.log.error(
        `A subscriber of events$ failed: ${describeError(error)}`,
        error instanceof Error ? error.stack : undefined,
      );
    }
  }
}
