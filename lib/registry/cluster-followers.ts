import { Observable, type Subscriber } from 'rxjs';
import type { ClusterLink } from '../cluster/cluster-link.js';
import type { Member } from '../cluster/members.js';
import { ClusterIncomplete, OperationNotFound } from '../operation/operation-errors.js';
import { isRecord } from '../scope/plain-object.js';
import { type ClusterEvent, isSnapshot } from './cluster-answer.js';
import { EVENT_TYPES, type OperationEventType } from './operation-events.js';
import { outcomeMessage, type OperationMessage } from './operation-watch.js';
import type { OperationView } from './view-options.js';

/** Takes what arrives for one feed. */
type Take = (body: Record<string, unknown>, from: string) => void;

/** What arrives from other instances for those who watch here. */
class Followers {
  private readonly takers = new Map<string, Take>();

  constructor(link: ClusterLink) {
    const hear = (body: unknown, from: string) => {
      if (!isRecord(body) || typeof body['feed'] !== 'string') return;
      this.takers.get(body['feed'])?.(body, from);
    };
    link.hear('watched', hear);
    link.hear('events', hear);
  }

  /** @returns stops it */
  add(feed: string, take: Take): () => void {
    this.takers.set(feed, take);
    return () => void this.takers.delete(feed);
  }
}

const followers = new WeakMap<ClusterLink, Followers>();

function followersOf(link: ClusterLink): Followers {
  let known = followers.get(link);
  if (known === undefined) followers.set(link, (known = new Followers(link)));
  return known;
}

interface Watched {
  readonly id: string;
  readonly view: OperationView;
  readonly scope: readonly unknown[];
}

/** @param find who has the operation; throws when that is not known */
export function watchCluster(
  linkOf: () => ClusterLink,
  find: () => Promise<Member | undefined>,
  watched: Watched,
): Observable<OperationMessage<never>> {
  return new Observable<OperationMessage<never>>((subscriber) => {
    const link = linkOf();
    find().then(
      (owner) => {
        if (subscriber.closed) return;
        if (owner === undefined) subscriber.error(new OperationNotFound(NOT_FOUND));
        else subscriber.add(watchAt(link, owner, watched, subscriber));
      },
      (error: unknown) => subscriber.error(error),
    );
  });
}

const NOT_FOUND = 'No operation with this id is live or remembered';

function watchAt(
  link: ClusterLink,
  owner: Member,
  watched: Watched,
  subscriber: Subscriber<OperationMessage<never>>,
): () => void {
  const feed = link.createId();
  let last = -1;
  const stopTaking = followersOf(link).add(feed, ({ type, number, data }, from) => {
    if (from !== owner.id || typeof number !== 'number' || number <= last) return;
    last = number;
    if (type === 'unknown') subscriber.error(new OperationNotFound(NOT_FOUND));
    if (type === 'refused') {
      const message = `${owner.name}, where the operation runs, shows this instance as many as it may`;
      subscriber.error(new ClusterIncomplete(message, [owner.name]));
    }
    if (!isRecord(data) || typeof data['id'] !== 'string') return;
    if (type === 'settled') {
      subscriber.next(outcomeMessage(data as never) as OperationMessage<never>);
      subscriber.complete();
    } else if (type === 'state' || type === 'progress') {
      subscriber.next({ type, data: data as never });
    }
  });
  const ask = () => link.tell('watch', { feed, ...watched }, owner.id);
  const stopAsking = link.presence.onBeat(ask);
  const stopLeft = link.presence.onLeft((id) => {
    if (id !== owner.id) return;
    const message = `${owner.name}, where the operation ran, is gone: nobody knows how it ended`;
    subscriber.error(new ClusterIncomplete(message, [owner.name]));
  });
  const stopClosing = link.onClose(() => {
    const message = `This instance has left the others: it does not know what becomes of the operation at ${owner.name}`;
    subscriber.error(new ClusterIncomplete(message, [owner.name]));
  });
  ask();
  return () => {
    stopClosing();
    stopTaking();
    stopAsking();
    stopLeft();
    link.tell('leave', { feed }, owner.id);
  };
}

/** What happens in all instances. */
export function followCluster(
  linkOf: () => ClusterLink,
  question: object,
): Observable<ClusterEvent> {
  return new Observable<ClusterEvent>((subscriber) => {
    const link = linkOf();
    const feed = link.createId();
    const stopTaking = followersOf(link).add(feed, ({ events }, from) => {
      const instance = link.nameOf(from);
      if (!Array.isArray(events)) return;
      for (const event of events as unknown[]) {
        const read = readEvent(event, instance);
        if (read !== undefined) subscriber.next(read);
      }
    });
    const ask = () => link.tell('follow', { feed, ...question });
    const stopAsking = link.presence.onBeat(ask);
    const stopClosing = link.onClose(() => subscriber.complete());
    ask();
    return () => {
      stopClosing();
      stopTaking();
      stopAsking();
      link.tell('leave', { feed });
    };
  });
}

function readEvent(event: unknown, instance: string): ClusterEvent | undefined {
  if (!isRecord(event) || !EVENT_TYPES.includes(event['type'] as OperationEventType)) {
    return undefined;
  }
  const { type, at, operation } = event;
  if (typeof at !== 'number' || !isSnapshot(operation)) return undefined;
  return { type: type as OperationEventType, at: new Date(at), operation, instance };
}
