import { randomBytes } from 'node:crypto';
import {
  Inject,
  Injectable,
  type OnModuleDestroy,
  ServiceUnavailableException,
} from '@nestjs/common';
import type { OperationSnapshot } from '../operation/snapshot.js';
import { EVENT_TYPES, type OperationEvent } from '../registry/operation-events.js';
import { OperationRegistry } from '../registry/operation-registry.js';
import { describeError, stackOf } from '../scope/describe-error.js';
import { DASHBOARD_REGISTRY } from './dashboard-tokens.js';
import { Access } from './access.js';
import type { DashboardRequest } from './dashboard-options.js';
import { type EventSink, openEventSink } from './event-sink.js';
import { FeedClient } from './feed-client.js';
import { FeedLog, type Gone } from './feed-log.js';
import { Standing } from './standing.js';

/** Milliseconds in which what happens is put together. */
const PACE = 100;
/** Operations that are told of in a message. */
const MOST_IN_A_MESSAGE = 1_000;
const HEARTBEAT = 15_000;
/** Milliseconds for which the feed goes on without a reader, so that one can come back. */
const PATIENCE = 30_000;
/** Milliseconds after which a reader has to come back, through the guards. */
const LONGEST = 15 * 60_000;
const MOST_READERS = 200;

/**
 * What happens, told to those who read: ten times a second at most, each operation once. Listens to
 * the registry only while somebody reads.
 */
@Injectable()
export class Feed implements OnModuleDestroy {
  private readonly epoch = randomBytes(6).toString('base64url');
  private readonly log = new FeedLog();
  private readonly clients = new Set<FeedClient>();
  /** The latest of each operation that has changed, oldest first. */
  private changed = new Map<string, OperationEvent>();
  private stops: (() => void)[] = [];
  private pace: NodeJS.Timeout | undefined;
  private heartbeat: NodeJS.Timeout | undefined;
  private patience: NodeJS.Timeout | undefined;

  constructor(
    @Inject(DASHBOARD_REGISTRY) private readonly registry: OperationRegistry,
    @Inject(Access) private readonly access: Access,
    @Inject(Standing) standing: Standing,
  ) {
    standing.onChange((info) => {
      for (const client of this.clients) client.inform(info);
    });
    standing.onDrained(() => this.endAll());
  }

  onModuleDestroy(): void {
    this.stopListening();
  }

  /**
   * Begins to tell a reader.
   *
   * @param lastId the last id that it has, if it was here before
   * @throws ServiceUnavailableException if there are too many, or all work has ended
   */
  open(request: DashboardRequest, response: object, lastId: string | undefined): void {
    if (this.clients.size >= MOST_READERS) {
      throw new ServiceUnavailableException(`The feed has ${MOST_READERS} readers already`);
    }
    if (OperationRegistry.liveOf(this.registry).phase === 'drained') {
      throw new ServiceUnavailableException('The application is closing');
    }
    const sink = openEventSink(response, request['method']);
    if (sink === undefined) return;
    this.listen();
    const missed = this.missedSince(lastId);
    const { sequence } = this.log;
    const client = new FeedClient(sink, request, this.access, this.epoch, sequence, this.fail);
    this.add(client, sink);
    if (missed === undefined) client.reset();
    else for (const entry of missed) client.offer(entry);
  }

  private add(client: FeedClient, sink: EventSink): void {
    this.clients.add(client);
    clearTimeout(this.patience);
    const limit = setTimeout(() => client.end(), LONGEST).unref();
    sink.onClose(() => {
      clearTimeout(limit);
      if (this.clients.delete(client) && this.clients.size === 0) {
        this.patience = setTimeout(() => this.stopListening(), PATIENCE).unref();
      }
    });
  }

  private missedSince(lastId: string | undefined): ReturnType<FeedLog['since']> {
    const [epoch, sequence] = lastId?.split('.') ?? [];
    if (epoch !== this.epoch || !/^\d{1,15}$/.test(sequence ?? '')) return undefined;
    return this.log.since(Number(sequence));
  }

  private listen(): void {
    if (this.stops.length > 0) return;
    const { events } = OperationRegistry.liveOf(this.registry);
    this.stops = EVENT_TYPES.map((type) =>
      events.listen(type, (event, state) => {
        this.changed.set(state.id, event);
        this.pace ??= setTimeout(() => this.tell(), PACE).unref();
      }),
    );
    this.heartbeat = setInterval(() => {
      for (const client of this.clients) client.heartbeat();
    }, HEARTBEAT).unref();
  }

  private stopListening(): void {
    for (const stop of this.stops.splice(0)) stop();
    clearTimeout(this.pace);
    clearInterval(this.heartbeat);
    clearTimeout(this.patience);
    this.pace = undefined;
    this.changed.clear();
    this.log.interrupt();
  }

  private tell(): void {
    this.pace = undefined;
    const { changed } = this;
    this.changed = new Map();
    const operations: OperationSnapshot[] = [];
    const gone: Gone[] = [];
    for (const [id, event] of changed) {
      if (operations.length < MOST_IN_A_MESSAGE) operations.push(event.operation);
      else if (event.type === 'settled') gone.push({ id, event });
      else this.changed.set(id, event);
    }
    const entry = this.log.add(operations, gone);
    for (const client of this.clients) client.offer(entry);
    if (this.changed.size > 0) this.pace = setTimeout(() => this.tell(), PACE).unref();
  }

  private readonly fail = (error: unknown): void => {
    const { log } = OperationRegistry.liveOf(this.registry);
    log.error(`The dashboard's feed failed: ${describeError(error)}`, stackOf(error));
  };

  /** After what is not told yet: how that which ran has ended. */
  private endAll(): void {
    while (this.pace !== undefined) {
      clearTimeout(this.pace);
      this.tell();
    }
    for (const client of this.clients) client.end();
  }
}
