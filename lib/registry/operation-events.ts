import { Observable, Subscriber, type Observer, type Operator, type Subscription } from 'rxjs';
import { contextStorage } from '../scope/context-storage.js';
import { ContextCell } from '../scope/context.js';
import { describeError, stackOf } from '../scope/describe-error.js';
import type { OperationLog } from '../operation/operation-log.js';
import type { OperationState } from '../operation/operation-state.js';
import {
  factsOf,
  type OperationFacts,
  type OperationSnapshot,
  snapshotOfFacts,
} from '../operation/snapshot.js';
import { type MessageChannel, messageOf, operationChannels } from './operation-channels.js';

/**
 * What happened to an operation.
 *
 * @publicApi
 */
export type OperationEventType = 'started' | 'progress' | 'canceled' | 'settled' | 'zombie';

/** Every type there is. */
export const EVENT_TYPES: readonly OperationEventType[] = [
  'started',
  'progress',
  'canceled',
  'settled',
  'zombie',
];

/**
 * Something happened to an operation.
 *
 * @publicApi
 */
export interface OperationEvent {
  /** What happened. */
  readonly type: OperationEventType;
  /**
   * As it was when it happened; made when it is first read, so that events nobody looks into cost
   * next to nothing. Of `progress`, without the partial result.
   */
  readonly operation: OperationSnapshot;
  /** When it happened. */
  readonly at: Date;
}

/** Hears events of one type; the state allows a look before a snapshot is made. */
export type EventListener = (event: OperationEvent, state: OperationState) => void;

const OUTSIDE = new ContextCell(undefined);

/** What also happens, and is no event: nobody consumes its result yet, or somebody begins to. */
export type OperationMoment = OperationEventType | 'suspended' | 'resumed';

/** Hears what happens without an event being made of it; must not throw. */
export type StateObserver = (state: OperationState) => void;

/** Who hears of one type of event. */
class Audience {
  readonly listeners = new Set<EventListener>();
  observers: readonly StateObserver[] = [];

  constructor(readonly channel: MessageChannel | undefined) {}
}

/** Events cost nothing until somebody listens to their type. */
export class OperationEvents {
  private readonly audiences: Readonly<Record<OperationMoment, Audience>> = {
    started: new Audience(operationChannels.started),
    progress: new Audience(operationChannels.progress),
    canceled: new Audience(operationChannels.canceled),
    settled: new Audience(operationChannels.settled),
    zombie: new Audience(operationChannels.zombie),
    suspended: new Audience(undefined),
    resumed: new Audience(undefined),
  };
  /** Events of every type. */
  readonly stream$: Observable<OperationEvent>;

  constructor(log: OperationLog) {
    this.stream$ = new GuardedObservable<OperationEvent>(log, (subscriber) => {
      const next: EventListener = (event) => subscriber.next(event);
      const stops = EVENT_TYPES.map((type) => this.listen(type, next));
      return () => stops.forEach((stop) => stop());
    });
  }

  /**
   * @param listener must not throw
   * @returns stops listening
   */
  listen(type: OperationEventType, listener: EventListener): () => void {
    const { listeners } = this.audiences[type];
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  /**
   * For those who count every operation: cheaper than an event, before all listeners, and in the
   * context of whatever made it happen.
   *
   * @returns stops observing
   */
  observe(type: OperationMoment, observer: StateObserver): () => void {
    const audience = this.audiences[type];
    audience.observers = [...audience.observers, observer];
    return () => {
      audience.observers = audience.observers.filter((each) => each !== observer);
    };
  }

  emit(type: OperationMoment, state: OperationState): void {
    const audience = this.audiences[type];
    const { observers, listeners, channel } = audience;
    for (let index = 0; index < observers.length; index++) observers[index]?.(state);
    if (listeners.size === 0 && channel?.hasSubscribers !== true) return;
    if (type === 'suspended' || type === 'resumed') return;
    const event = eventOf(type, state);
    const tell = () => {
      if (channel?.hasSubscribers === true) channel.publish(messageOf(event));
      for (const listener of [...listeners]) listener(event, state);
    };
    // An operation settles in its own context: what begins because of it is no part of it.
    if (type === 'settled') contextStorage.run(OUTSIDE, tell);
    else tell();
  }
}

function eventOf(type: OperationEventType, state: OperationState): OperationEvent {
  let facts: OperationFacts | undefined = factsOf(state, type !== 'progress');
  let snapshot: OperationSnapshot | undefined;
  return {
    type,
    get operation() {
      if (facts !== undefined) {
        snapshot = snapshotOfFacts(facts);
        facts = undefined;
      }
      return snapshot as OperationSnapshot;
    },
    at: new Date(),
  };
}

/** RxJS throws what a subscriber throws into the void, where it ends the process: this logs it. */
class GuardedObservable<Value> extends Observable<Value> {
  constructor(
    private readonly log: OperationLog,
    onSubscribe?: (subscriber: Subscriber<Value>) => () => void,
  ) {
    super(onSubscribe);
  }

  /** Observables that operators derive from this one are guarded too. */
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
      this.log.error(`A subscriber of events$ failed: ${describeError(error)}`, stackOf(error));
    }
  }
}
