import { randomUUID } from 'node:crypto';
import { inContext } from '../scope/context-storage.js';
import { describeError } from '../scope/describe-error.js';
import { noop } from '../scope/thenable.js';
import { inTime, pauseUntil } from '../scope/waiting.js';
import {
  ANSWER_LIMIT,
  BusConnections,
  type BusSession,
  OPENING_LIMIT,
  type OpenSession,
} from './bus-session.js';
import { BusSubscriptions } from './bus-subscriptions.js';
import type { CancelationBusHost } from './cancelation-bus.js';

/** Milliseconds between two looks whether what is published is heard. */
const LOOK_EVERY = 2_000;
/** Milliseconds before the first attempt to connect again; each doubles it, up to the longest. */
const SHORTEST_PAUSE = 50;
const LONGEST_PAUSE = 1_000;

/** Whom a session is kept for. */
export interface SessionUser {
  readonly host: CancelationBusHost;
  /** For messages: `redisBus()`. */
  readonly name: string;
  /** For messages: `Redis`. */
  readonly server: string;
  /** A channel that nobody else uses. */
  readonly echoChannel: string;
  received(channel: string, message: string): void;
}

/** What is in use, with all subscriptions in place. */
interface LiveSession<Session> {
  readonly session: Session;
  readonly subscriptions: BusSubscriptions;
  readonly connections: BusConnections;
}

/**
 * Keeps a session with a server. What is lost is opened again, for as long as it takes: client
 * libraries do so in ways of their own, and do not notice that a server is frozen.
 */
export class KeptSession<Session extends BusSession> {
  private live: LiveSession<Session> | undefined = undefined;
  private connections: BusConnections | undefined = undefined;
  private readonly channels: Set<string>;
  private lastError: unknown = undefined;
  private isInterrupted = false;
  private readonly reported = new Set<string>();
  private heardEcho: (echo: string) => void = noop;
  private readonly closed: Promise<void>;
  private markClosed!: () => void;
  private isClosed = false;
  private held: Promise<void> = Promise.resolve();

  constructor(
    private readonly openSession: OpenSession<Session>,
    private readonly user: SessionUser,
  ) {
    this.channels = new Set([user.echoChannel]);
    this.closed = new Promise((resolve) => (this.markClosed = resolve));
  }

  /** Resolves after the first attempt, whatever comes of it. */
  async open(): Promise<void> {
    const attempt = new Promise<void>((resolve) => {
      this.held = inContext(undefined, () => this.hold(resolve));
    });
    await inTime(attempt, OPENING_LIMIT, true).catch(noop);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.markClosed();
    this.connections?.close();
    await this.held;
  }

  /**
   * Uses the session.
   *
   * @throws Error that says why not
   */
  async use<Result>(what: string, work: (session: Session) => Promise<Result>): Promise<Result> {
    const { live } = this;
    try {
      if (live === undefined) throw this.lastError ?? new Error('there is no connection yet');
      // An operation that is canceled does not keep its cancel from others.
      return await inTime(
        inContext(undefined, () => work(live.session)),
        ANSWER_LIMIT,
        true,
      );
    } catch (error) {
      throw new Error(`${this.user.name}: ${what} failed: ${reasonOf(error)}`, { cause: error });
    }
  }

  /** Resolves once what is published is received; without a session, at once. */
  listen(channel: string): Promise<void> {
    this.channels.add(channel);
    return this.update(channel);
  }

  leave(channel: string): Promise<void> {
    this.channels.delete(channel);
    return this.update(channel);
  }

  private async update(channel: string): Promise<void> {
    const { live } = this;
    if (live === undefined) return;
    const updated = inContext(undefined, () => live.subscriptions.update(channel));
    try {
      await inTime(updated, ANSWER_LIMIT, true);
    } catch (error) {
      // The next session listens to it.
      live.connections.fail(error);
    }
  }

  private async hold(attempted: () => void): Promise<void> {
    let pause = SHORTEST_PAUSE;
    while (!this.isClosed) {
      const connections = new BusConnections((channel, message) => {
        if (channel === this.user.echoChannel) this.heardEcho(message);
        else if (!this.isClosed) this.user.received(channel, message);
      });
      this.connections = connections;
      try {
        const { session } = await this.begin(connections);
        pause = SHORTEST_PAUSE;
        attempted();
        this.connected();
        await this.watch(session, connections);
        throw new Error('the connection was closed');
      } catch (error) {
        this.lost(connections.error ?? error);
      } finally {
        connections.close();
      }
      attempted();
      await pauseUntil(this.closed, pause * (0.5 + Math.random() / 2));
      pause = Math.min(2 * pause, LONGEST_PAUSE);
    }
  }

  private begin(connections: BusConnections): Promise<LiveSession<Session>> {
    const gone = connections.over.then(() => {
      throw connections.error;
    });
    return inTime(Promise.race([gone, this.connect(connections)]), OPENING_LIMIT);
  }

  private async connect(connections: BusConnections): Promise<LiveSession<Session>> {
    const session = await this.openSession(connections);
    const subscriptions = new BusSubscriptions(session, this.channels);
    const live: LiveSession<Session> = { session, subscriptions, connections };
    await subscriptions.complete();
    await this.look(session);
    // From here on, whoever wants something else tells this session.
    while (!subscriptions.isComplete) await subscriptions.complete();
    if (!connections.isOver) this.live = live;
    return live;
  }

  private async watch(session: Session, connections: BusConnections): Promise<void> {
    while (!connections.isOver) {
      await pauseUntil(connections.over, LOOK_EVERY);
      if (!connections.isOver) await Promise.race([this.look(session), connections.over]);
    }
  }

  /** @throws Error when what is published is not heard */
  private async look(session: Session): Promise<void> {
    const echo = randomUUID();
    const heard = new Promise<void>((resolve) => {
      this.heardEcho = (message) => {
        if (message === echo) resolve();
      };
    });
    const answer = Promise.all([session.publish(this.user.echoChannel, echo), heard]);
    await inTime(answer, ANSWER_LIMIT);
  }

  private connected(): void {
    this.reported.clear();
    this.lastError = undefined;
    if (!this.isInterrupted) return;
    this.isInterrupted = false;
    const { host, name, server } = this.user;
    host.log.debug(`${name}: connected to ${server} again`);
    host.onRecovered();
  }

  private lost(error: unknown): void {
    this.live = undefined;
    if (this.isClosed) {
      this.lastError = undefined;
      return;
    }
    this.lastError = error;
    this.isInterrupted = true;
    const reason = reasonOf(error);
    if (this.reported.has(reason)) return;
    this.reported.add(reason);
    const { host, name, server } = this.user;
    host.log.warn(`${name}: no connection to ${server}, it is tried again: ${reason}`);
  }
}

/** Node gives several errors of one connection at once, without a message. */
function reasonOf(error: unknown): string {
  const { message, code } = error as { message?: unknown; code?: unknown };
  return message === '' && typeof code === 'string' ? code : describeError(error);
}
