import { randomUUID } from 'node:crypto';
import type { CancelationBusHost } from '../cluster/cancelation-bus.js';
import { inContext } from '../scope/context-storage.js';
import { describeError } from '../scope/describe-error.js';
import { noop } from '../scope/thenable.js';
import { answerInTime, pauseUntil } from '../scope/waiting.js';
import {
  ANSWER_LIMIT,
  BusConnections,
  type BusSession,
  OPENING_LIMIT,
  type OpenSession,
} from './bus-session.js';
import { BusSubscriptions } from './bus-subscriptions.js';

/** Milliseconds between two looks whether what is published is heard. */
const LOOK_EVERY = 2_000;
/** Milliseconds before the first attempt to connect again; each doubles it, up to the longest. */
const SHORTEST_PAUSE = 50;
const LONGEST_PAUSE = 1_000;

/** What the link works for. */
export interface LinkUser {
  readonly host: CancelationBusHost;
  /** The prefix of its channels. */
  readonly prefix: string;
  received(channel: string, message: string): void;
}

/** What is in use, with all subscriptions in place. */
interface LiveSession {
  readonly session: BusSession;
  readonly subscriptions: BusSubscriptions;
  readonly connections: BusConnections;
}

/**
 * Keeps a session with Redis. What is lost is opened again, for as long as it takes: the libraries
 * do so in ways of their own, and do not notice that a server is frozen.
 */
export class BusLink {
  private live: LiveSession | undefined = undefined;
  private connections: BusConnections | undefined = undefined;
  private readonly channels: Set<string>;
  private lastError: unknown = undefined;
  private isInterrupted = false;
  private readonly reported = new Set<string>();
  private readonly echoChannel: string;
  private heardEcho: (echo: string) => void = noop;
  private readonly closed: Promise<void>;
  private markClosed!: () => void;
  private isClosed = false;
  private held: Promise<void> = Promise.resolve();

  constructor(
    private readonly openSession: OpenSession,
    private readonly user: LinkUser,
  ) {
    this.echoChannel = `${user.prefix}:echo:${randomUUID()}`;
    this.channels = new Set([this.echoChannel]);
    this.closed = new Promise((resolve) => (this.markClosed = resolve));
  }

  /** Resolves after the first attempt, whatever comes of it. */
  async open(): Promise<void> {
    const attempt = new Promise<void>((resolve) => {
      this.held = inContext(undefined, () => this.hold(resolve));
    });
    await answerInTime(attempt, OPENING_LIMIT, true).catch(noop);
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
  async use<Result>(what: string, work: (session: BusSession) => Promise<Result>): Promise<Result> {
    const { live } = this;
    try {
      if (live === undefined) throw this.lastError ?? new Error('there is no connection yet');
      // An operation that is canceled does not keep its cancel from others.
      return await answerInTime(
        inContext(undefined, () => work(live.session)),
        ANSWER_LIMIT,
        true,
      );
    } catch (error) {
      throw new Error(`redisBus(): ${what} failed: ${reasonOf(error)}`, { cause: error });
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
      await answerInTime(updated, ANSWER_LIMIT, true);
    } catch (error) {
      // The next session listens to it.
      live.connections.fail(error);
    }
  }

  private async hold(attempted: () => void): Promise<void> {
    let pause = SHORTEST_PAUSE;
    while (!this.isClosed) {
      const connections = new BusConnections((channel, message) => {
        if (channel === this.echoChannel) this.heardEcho(message);
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

  private begin(connections: BusConnections): Promise<LiveSession> {
    const gone = connections.over.then(() => {
      throw connections.error;
    });
    return answerInTime(Promise.race([gone, this.connect(connections)]), OPENING_LIMIT, false);
  }

  private async connect(connections: BusConnections): Promise<LiveSession> {
    const session = await this.openSession(connections);
    const subscriptions = new BusSubscriptions(session, this.channels);
    const live: LiveSession = { session, subscriptions, connections };
    await subscriptions.complete();
    await this.look(session);
    // From here on, whoever wants something else tells this session.
    while (!subscriptions.isComplete) await subscriptions.complete();
    if (!connections.isOver) this.live = live;
    return live;
  }

  private async watch(session: BusSession, connections: BusConnections): Promise<void> {
    while (!connections.isOver) {
      await pauseUntil(connections.over, LOOK_EVERY);
      if (!connections.isOver) await Promise.race([this.look(session), connections.over]);
    }
  }

  /** @throws Error when what is published is not heard */
  private async look(session: BusSession): Promise<void> {
    const echo = randomUUID();
    const heard = new Promise<void>((resolve) => {
      this.heardEcho = (message) => {
        if (message === echo) resolve();
      };
    });
    const answer = Promise.all([session.publish(this.echoChannel, echo), heard]);
    await answerInTime(answer, ANSWER_LIMIT, false);
  }

  private connected(): void {
    this.reported.clear();
    this.lastError = undefined;
    if (!this.isInterrupted) return;
    this.isInterrupted = false;
    this.user.host.log.debug('redisBus(): connected to Redis again');
    this.user.host.onRecovered();
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
    this.user.host.log.warn(`redisBus(): no connection to Redis, it is tried again: ${reason}`);
  }
}

/** Node gives several errors of one connection at once, without a message. */
function reasonOf(error: unknown): string {
  const { message, code } = error as { message?: unknown; code?: unknown };
  return message === '' && typeof code === 'string' ? code : describeError(error);
}
