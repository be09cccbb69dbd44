import { Observable, type Subscriber } from 'rxjs';
import { type Duration, parseDuration } from '../scope/duration.js';
import { bare } from '../scope/plain-object.js';
import { OperationNotFound } from '../operation/operation-errors.js';
import { Operation } from '../operation/operation.js';
import type { OperationState } from '../operation/operation-state.js';
import { type PublicOperation, publicView, publicViewOf } from '../operation/public-view.js';
import { type OperationSnapshot, snapshotOf } from '../operation/snapshot.js';
import type { OperationStore } from './operation-store.js';
import { ALL, type Matcher } from './operation-filter.js';
import { ProgressFeed } from './progress-feed.js';
import { type OperationView, readView, type ViewOptions } from './view-options.js';

/**
 * `view` is `'public'` by default; `'full'` has the partial result in the first and last message.
 *
 * @publicApi
 */
export interface WatchOptions extends ViewOptions {
  /**
   * Sends the present state again when nothing was sent for so long, so that proxies do not take
   * the connection for dead. Default: never.
   */
  readonly heartbeat?: Duration;
}

/**
 * One message of `watch()`; fits Nest's `MessageEvent`, so that an `@Sse()` handler can return it.
 *
 * @publicApi
 */
export interface OperationMessage<View = PublicOperation> {
  /** What the message tells: the present state, a report, or the outcome. */
  readonly type: 'state' | 'progress' | 'settled';
  /** The operation at that moment. */
  readonly data: View;
  /**
   * The id of the last message, by which a client that comes back says that it has seen the
   * outcome.
   */
  readonly id?: string;
  /**
   * The retry delay of the last message: an EventSource that nobody closes would connect again and
   * again.
   */
  readonly retry?: number;
}

/** Milliseconds; the longest that a timer of any client can wait: 24 days. */
const NOT_AGAIN = 2 ** 31 - 1;

type Data = PublicOperation | OperationSnapshot;
type Message = OperationMessage<Data>;

/**
 * Present state first, then progress, then the outcome and the end.
 *
 * @throws TypeError when an option is not valid
 */
export function watchOperation(
  live: OperationStore,
  id: string,
  options: WatchOptions = {},
  matcher: Matcher = ALL,
): Observable<Message> {
  const readDelay = (value: unknown, where: string) => parseDuration(value, where);
  const view = readView(options, 'watch()', 'public', { heartbeat: readDelay });
  const { heartbeat: every } = bare(options);
  const heartbeat = every === undefined ? undefined : readDelay(every, 'watch()');
  return new Observable((subscriber) => {
    const state = live.get(id);
    let data: Data | undefined;
    if (state !== undefined && matcher.matches(state)) {
      if (state.outcome === undefined) {
        return watchOf(state).add(new Watcher(subscriber, view, heartbeat));
      }
      data = new Moment(state, true).see(view);
    } else {
      const remembered = live.history.find(id, matcher);
      data = remembered && (view === 'full' ? remembered : publicViewOf(remembered));
    }
    if (data === undefined) {
      subscriber.error(new OperationNotFound('No operation with this id is live or remembered'));
      return undefined;
    }
    subscriber.next(outcomeMessage(data));
    subscriber.complete();
    return undefined;
  });
}

export function outcomeMessage(data: Data): Message {
  return { type: 'settled', data, id: `settled:${data.id}`, retry: NOT_AGAIN };
}

/** The views of an operation at one moment, made once for all who watch. */
class Moment {
  private publicData: PublicOperation | undefined = undefined;
  private fullData: OperationSnapshot | undefined = undefined;

  constructor(
    private readonly state: OperationState,
    private readonly withPartialResult: boolean,
  ) {}

  see(view: OperationView): Data {
    return view === 'full'
      ? (this.fullData ??= snapshotOf(this.state, this.withPartialResult))
      : (this.publicData ??= publicView(this.state));
  }
}

class Watcher {
  private timer: ReturnType<typeof setTimeout> | undefined = undefined;

  constructor(
    private readonly subscriber: Subscriber<Message>,
    private readonly view: OperationView,
    private readonly heartbeat: number | undefined,
  ) {}

  send(type: Message['type'], moment: Moment): void {
    const data = moment.see(this.view);
    this.timer?.refresh();
    this.subscriber.next(type === 'settled' ? outcomeMessage(data) : { type, data });
  }

  /** @param again sends the present state */
  begin(again: () => void): void {
    if (this.heartbeat === undefined || this.subscriber.closed) return;
    this.timer = setInterval(again, this.heartbeat);
    this.timer.unref?.();
  }

  end(): void {
    clearInterval(this.timer);
  }

  complete(): void {
    this.end();
    this.subscriber.complete();
  }
}

const watches = new WeakMap<OperationState, OperationWatch>();

function watchOf(state: OperationState): OperationWatch {
  let watch = watches.get(state);
  if (watch === undefined) watches.set(state, (watch = new OperationWatch(state)));
  return watch;
}

/** All watchers of one operation: it is looked at once for all of them. */
class OperationWatch {
  private readonly watchers = new Set<Watcher>();
  private readonly feed: ProgressFeed;
  private readonly stop: () => void;

  constructor(private readonly state: OperationState) {
    const operation = Operation.of(state);
    this.feed = new ProgressFeed(() => this.tell('progress', new Moment(state, false)));
    const stopProgress = operation.onProgress(() => this.feed.offer());
    const stopSettled = operation.onSettled(() => this.settled());
    this.stop = () => {
      this.feed.stop();
      stopProgress();
      stopSettled();
      watches.delete(state);
    };
  }

  /** @returns removes the watcher */
  add(watcher: Watcher): () => void {
    this.watchers.add(watcher);
    const present = () => watcher.send('state', new Moment(this.state, true));
    present();
    watcher.begin(present);
    return () => {
      watcher.end();
      if (this.watchers.delete(watcher) && this.watchers.size === 0) this.stop();
    };
  }

  private settled(): void {
    this.stop();
    this.tell('settled', new Moment(this.state, true));
    const watchers = [...this.watchers];
    this.watchers.clear();
    for (const watcher of watchers) watcher.complete();
  }

  private tell(type: Message['type'], moment: Moment): void {
    for (const watcher of [...this.watchers]) watcher.send(type, moment);
  }
}
