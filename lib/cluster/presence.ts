import { monotonicNow } from '../scope/clock.js';
import { inContext } from '../scope/context-storage.js';
import { type Member, Members, readMember } from './members.js';
import type { Post } from './post.js';

/** Milliseconds: those who are there answer a newcomer within it. */
const JOINING = 500;
/** How many of its own heartbeats an instance must miss to know that it hears nobody. */
const DEAF_AFTER = 3;

/** Silent instances that are looked for at once. */
const MOST_LOOKS = 100;

/**
 * Who is there. Everybody says so with every heartbeat; a newcomer is told by the others whom they
 * know. Only when it hears its own word come back does an instance trust what it knows.
 */
export class Presence {
  readonly members = new Members();
  /** Everybody who is there is known. */
  isReady = false;
  private isJoining = false;
  private readonly waiters = new Set<() => void>();
  private heardSelf = 0;
  /** Those that were silent and did not listen when it was last looked. */
  private suspects = new Set<string>();
  private isLooking = false;
  private timer: NodeJS.Timeout | undefined = undefined;
  private readonly beating = new Set<() => void>();
  private readonly leaving = new Set<(id: string) => void>();

  constructor(
    private readonly post: Post,
    private readonly self: () => Member,
    /** Milliseconds within which calls want an answer. */
    private readonly timeout: number,
  ) {}

  start(): void {
    this.heardSelf = monotonicNow();
    this.tick();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.isReady = false;
    this.wake();
  }

  /** Called with every heartbeat. @returns stops that */
  onBeat(listener: () => void): () => void {
    this.beating.add(listener);
    return () => void this.beating.delete(listener);
  }

  /** Called with the id of an instance that is gone. @returns stops that */
  onLeft(listener: (id: string) => void): () => void {
    this.leaving.add(listener);
    return () => void this.leaving.delete(listener);
  }

  /** Tells the others how it is. */
  announce(): void {
    void this.post.send(undefined, this.post.message('beat', '', '', this.self()));
  }

  /** The connection was lost and is back: nobody could be heard. */
  rejoin(): void {
    this.isReady = false;
    this.members.excuse();
    void this.join();
  }

  async whenReady(timeout: number): Promise<void> {
    if (this.isReady || !this.post.isOpen) return;
    await new Promise<void>((resolve) => {
      const stop = () => {
        clearTimeout(timer);
        this.waiters.delete(stop);
        resolve();
      };
      const timer = setTimeout(stop, timeout);
      timer.unref();
      this.waiters.add(stop);
    });
  }

  heardOwn(): void {
    this.heardSelf = monotonicNow();
  }

  heard(from: string, topic: string, body: unknown): void {
    const member = readMember(body);
    if (member?.id !== from) {
      this.post.ignore('garbage');
      return;
    }
    this.members.heard(member);
    const { others } = body as { others?: unknown };
    if (Array.isArray(others)) {
      for (const other of others as unknown[]) this.heardOf(other);
    }
    if (topic === 'welcome')
      void this.post.send(from, this.post.message('beat', '', '', this.self()));
    if (topic !== 'hello') return;
    const known = { ...this.self(), others: this.members.toGossip() };
    // What each sends to the other alone proves that neither plays what was sent before.
    const reply = this.post.isSigned ? 'welcome' : '';
    void this.post.send(from, this.post.message('beat', reply, '', known));
  }

  gone(id: string): void {
    this.members.left(id);
    for (const listener of [...this.leaving]) listener(id);
  }

  private heardOf(other: unknown): void {
    const member = readMember(other);
    if (member === undefined || member.id === this.self().id) return;
    const { ago } = other as { ago?: unknown };
    if (typeof ago !== 'number' || this.members.get(member.id) !== undefined) return;
    this.members.heard(member, Math.max(0, ago));
  }

  private tick(): void {
    const { every } = this.self();
    this.timer = setTimeout(() => this.tick(), every * (0.9 + Math.random() * 0.2));
    this.timer.unref();
    inContext(undefined, () => {
      if (this.isReady && monotonicNow() - this.heardSelf > DEAF_AFTER * every) this.rejoin();
      else if (this.isReady || this.isJoining) this.announce();
      else void this.join();
      void this.forget();
      for (const listener of [...this.beating]) listener();
    });
  }

  /** Asks who is there, and takes it that it knows after a while. */
  private async join(): Promise<void> {
    if (this.isJoining || !this.post.isOpen) return;
    this.isJoining = true;
    const asked = monotonicNow();
    const problem = await this.post.send(
      undefined,
      this.post.message('beat', 'hello', '', this.self()),
    );
    if (problem !== undefined) {
      this.isJoining = false;
      return;
    }
    const enough = () => {
      this.isJoining = false;
      if (this.heardSelf < asked || !this.post.isOpen) return;
      this.isReady = true;
      this.post.problem = undefined;
      this.wake();
    };
    setTimeout(enough, Math.min(JOINING, this.timeout / 2)).unref();
  }

  private wake(): void {
    for (const wake of [...this.waiters]) wake();
  }

  /**
   * Whoever is silent and listens no longer, at two heartbeats in a row, is gone: it may be
   * connecting again. Whoever listens may only be frozen.
   */
  private async forget(): Promise<void> {
    if (!this.isReady || this.isLooking) return;
    this.isLooking = true;
    const before = this.suspects;
    const suspects = new Set<string>();
    // A look at one that is frozen takes a while: none waits for the others.
    const look = async ({ id }: Member) => {
      if (await this.post.isListening(id)) return;
      if (!this.isReady || !this.members.isSilent(id)) return;
      if (before.has(id)) this.gone(id);
      else suspects.add(id);
    };
    const silent = this.members.silent();
    for (let index = 0; index < silent.length; index += MOST_LOOKS) {
      await Promise.all(silent.slice(index, index + MOST_LOOKS).map(look));
    }
    this.suspects = suspects;
    this.isLooking = false;
  }
}
