import type { Subscription } from 'rxjs';
import type { ClusterLink } from '../cluster/cluster-link.js';
import { Encoded } from '../cluster/wire.js';
import type { OperationSnapshot } from '../operation/snapshot.js';
import { monotonicNow } from '../scope/clock.js';
import { isRecord } from '../scope/plain-object.js';
import { decodeFilter, decodeScope } from './cluster-filter.js';
import { jsonWithin } from './cluster-json.js';
import { EVENT_TYPES, type OperationEvent } from './operation-events.js';
import type { Matcher } from './operation-filter.js';
import type { OperationStore } from './operation-store.js';
import { watchOperation } from './operation-watch.js';
import { both } from './registry-scope.js';

/** Whoever watches says so again with each of its heartbeats; so many may be lost. */
const LOST_BEATS = 6;
/** Milliseconds, however short the heartbeat. */
const LEAST_PATIENCE = 5_000;
/** Watches and feeds of one other instance. */
const MOST_FEEDS = 1_000;
/** Milliseconds that events wait for others, to travel together. */
const GATHERING = 50;
/** Events that wait; more are left out. */
const MOST_WAITING = 1_000;
/** Bytes of one message. */
const BATCH = 500_000;

interface Feed {
  renewed: number;
  stop: () => void;
}

/** Shows this instance's operations to those who watch them from another. */
export class ClusterFeeds {
  private readonly feeds = new Map<string, Feed>();
  /** Later messages have higher numbers, so that one which comes late is left out. */
  private sequence = 0;

  constructor(
    private readonly link: ClusterLink,
    private readonly live: OperationStore,
  ) {
    link.hear('watch', (body, from) =>
      this.open(body, from, (name) => this.watch(name, from, body)),
    );
    link.hear('follow', (body, from) => this.open(body, from, () => this.follow(from, body)));
    link.hear('leave', (body, from) => {
      if (isRecord(body) && typeof body['feed'] === 'string') this.close(nameOf(body, from));
    });
    link.presence.onLeft((id) => {
      for (const name of [...this.feeds.keys()]) if (name.startsWith(`${id} `)) this.close(name);
    });
    link.presence.onBeat(() => this.forget());
  }

  stop(): void {
    for (const name of [...this.feeds.keys()]) this.close(name);
  }

  private open(body: unknown, from: string, begin: (name: string) => () => void): void {
    if (!isRecord(body) || typeof body['feed'] !== 'string') {
      this.link.post.ignore('garbage');
      return;
    }
    const name = nameOf(body, from);
    const known = this.feeds.get(name);
    if (known !== undefined) {
      known.renewed = monotonicNow();
      return;
    }
    if (this.countOf(from) >= MOST_FEEDS) {
      const refused = { feed: body['feed'], type: 'refused', number: this.sequence++ };
      this.link.tell('watched', refused, from);
      return;
    }
    // One that is over at once is closed before there is anything to stop.
    const feed: Feed = { renewed: monotonicNow(), stop: () => {} };
    this.feeds.set(name, feed);
    try {
      feed.stop = begin(name);
    } catch {
      // Of a later release, or nothing that makes sense: whoever asked hears nothing.
      this.link.post.ignore('version');
      this.feeds.delete(name);
    }
  }

  private countOf(from: string): number {
    let count = 0;
    for (const name of this.feeds.keys()) if (name.startsWith(`${from} `)) count++;
    return count;
  }

  private close(name: string): void {
    const feed = this.feeds.get(name);
    this.feeds.delete(name);
    feed?.stop();
  }

  private forget(): void {
    const patience = Math.max(LEAST_PATIENCE, LOST_BEATS * this.link.self().every);
    const oldest = monotonicNow() - patience;
    for (const [name, { renewed }] of this.feeds) if (renewed < oldest) this.close(name);
  }

  private watch(name: string, from: string, body: unknown): () => void {
    const { feed, id, view, scope } = body as Record<string, unknown>;
    const tell = (type: string, data: string) => {
      const head = JSON.stringify({ feed, type, number: this.sequence++ });
      this.link.tell('watched', new Encoded(`${head.slice(0, -1)},"data":${data}}`), from);
    };
    const subscription: Subscription = watchOperation(
      this.live,
      String(id),
      { view: view === 'full' ? 'full' : 'public' },
      decodeScope(scope),
    ).subscribe({
      next: ({ type, data }) => tell(type, jsonWithin(data as OperationSnapshot)),
      error: () => {
        tell('unknown', 'null');
        this.close(name);
      },
      complete: () => this.close(name),
    });
    return () => subscription.unsubscribe();
  }

  private follow(from: string, body: unknown): () => void {
    const { feed, filter, scope } = body as Record<string, unknown>;
    const matcher = both(decodeScope(scope), decodeFilter(filter));
    return new EventFeed(this.live, matcher, (events) => {
      const told = new Encoded(`{"feed":${JSON.stringify(feed)},"events":[${events.join(',')}]}`);
      this.link.tell('events', told, from);
    }).begin();
  }
}

function nameOf({ feed }: Record<string, unknown>, from: string): string {
  return `${from} ${String(feed)}`;
}

/** Events on their way to one other instance, several at a time. */
class EventFeed {
  private waiting: OperationEvent[] = [];
  private timer: NodeJS.Timeout | undefined = undefined;

  constructor(
    private readonly live: OperationStore,
    private readonly matcher: Matcher,
    private readonly send: (events: readonly string[]) => void,
  ) {}

  begin(): () => void {
    const stops = EVENT_TYPES.map((type) =>
      this.live.events.listen(type, (event, state) => {
        if (this.matcher.matches(state)) this.add(event);
      }),
    );
    return () => {
      clearTimeout(this.timer);
      for (const stop of stops) stop();
    };
  }

  private add(event: OperationEvent): void {
    if (this.waiting.length < MOST_WAITING) this.waiting.push(event);
    this.timer ??= setTimeout(() => this.flush(), GATHERING).unref();
  }

  private flush(): void {
    this.timer = undefined;
    const { waiting } = this;
    this.waiting = [];
    let texts: string[] = [];
    let size = 0;
    for (const { type, operation, at } of waiting) {
      const text = `{"type":${JSON.stringify(type)},"at":${at.getTime()},"operation":${jsonWithin(operation)}}`;
      const bytes = Buffer.byteLength(text);
      if (size > 0 && size + bytes > BATCH) {
        this.send(texts);
        texts = [];
        size = 0;
      }
      texts.push(text);
      size += bytes;
    }
    this.send(texts);
  }
}
