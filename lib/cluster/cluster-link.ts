import { monotonicNow, wallNow } from '../scope/clock.js';
import { inContext } from '../scope/context-storage.js';
import { describeError } from '../scope/describe-error.js';
import { isoTime } from '../scope/plain-data.js';
import type { OperationLog } from '../operation/operation-log.js';
import { Asking, type AskOptions } from './asking.js';
import type { CancelationBus } from './cancelation-bus.js';
import type { ClusterSettings } from './cluster-options.js';
import { KeptAnswers } from './kept-answers.js';
import type { Member } from './members.js';
import { Post } from './post.js';
import { Presence } from './presence.js';
import { type Outcome, Question } from './question.js';
import { decoded, Encoded, jsonOf, type WireMessage } from './wire.js';

const noBus: CancelationBus = {
  name: 'none',
  open: () => Promise.resolve(),
  publish: () => Promise.resolve(),
  subscribe: () => Promise.resolve(() => Promise.resolve()),
  isHeard: () => Promise.resolve(false),
  close: () => Promise.resolve(),
};

const ALONE: ClusterSettings = {
  bus: noBus,
  service: '',
  instance: undefined,
  heartbeat: 1_000,
  timeout: 1_000,
  lease: 10_000,
};

/** What an instance is, to the others. */
export interface Identity {
  readonly id: string;
  /** Draws what cannot be guessed. */
  readonly createId: () => string;
  /** How many operations are live here. */
  readonly live: () => number;
  readonly isDraining: () => boolean;
  readonly log: OperationLog;
}

/** Answers a question; a throw is told to whoever asked. */
export type Answering = (body: unknown, from: string) => unknown;

export type Hearing = (body: unknown, from: string) => void;

interface Topic {
  readonly answer: Answering;
  /** It changes something: a question that comes twice is acted on once. */
  readonly isKept: boolean;
}

/**
 * This instance's link to the others of its service: who they are, questions and answers, and what
 * is told without a question. It keeps no operation waiting, and fails nobody but who asks.
 */
export class ClusterLink {
  readonly name: string;
  /** Milliseconds. */
  readonly timeout: number;
  /** There are no other instances. */
  readonly isAlone: boolean;
  /** It was never opened. */
  isNew = true;
  readonly presence: Presence;
  readonly post: Post;
  private readonly asking: Asking;
  private readonly startedAt = isoTime(wallNow());
  private readonly topics = new Map<string, Topic>();
  private readonly listeners = new Map<string, Hearing>();
  private hasLeft = false;
  private readonly closing = new Set<() => void>();
  /** Questions that are being answered: one that comes again meanwhile is answered with them. */
  private readonly answering = new Set<string>();
  private readonly kept = new KeptAnswers<WireMessage>(monotonicNow);

  constructor(
    private readonly settings: ClusterSettings,
    private readonly identity: Identity,
  ) {
    const { id, log, createId } = identity;
    this.name = settings.instance ?? id;
    this.timeout = settings.timeout;
    this.isAlone = settings.bus === noBus;
    const self = () => this.self();
    this.post = new Post(settings, id, log);
    this.presence = new Presence(this.post, self, settings.timeout);
    this.asking = new Asking(this.post, this.presence, self, createId);
  }

  /** For a registry without a cluster: the only instance there is. */
  static alone(identity: Identity): ClusterLink {
    return new ClusterLink(ALONE, identity);
  }

  get id(): string {
    return this.identity.id;
  }

  createId(): string {
    return this.identity.createId();
  }

  /** Whether another instance is there, as far as is known. */
  knows(id: string): boolean {
    return this.presence.members.get(id) !== undefined;
  }

  nameOf(id: string): string {
    return id === this.id ? this.name : (this.presence.members.get(id)?.name ?? id);
  }

  get service(): string {
    return this.settings.service;
  }

  /** This instance, as the others see it. */
  self(): Member {
    const { id, live, isDraining } = this.identity;
    const { name, startedAt, settings } = this;
    return { id, name, startedAt, live: live(), draining: isDraining(), every: settings.heartbeat };
  }

  /** @param isKept it changes something: a question that comes twice is acted on once */
  answerTo(topic: string, answer: Answering, isKept = false): void {
    this.topics.set(topic, { answer, isKept });
  }

  hear(topic: string, listener: Hearing): void {
    this.listeners.set(topic, listener);
  }

  /** Never fails: what does not work is logged, and told to whoever asks. */
  async open(): Promise<void> {
    this.isNew = false;
    const isOpen = await this.post.open(
      (message) => inContext(undefined, () => this.receive(message)),
      () => this.presence.rejoin(),
    );
    if (isOpen && this.post.isOpen) this.presence.start();
  }

  /** Called when this instance leaves; at once, if it has. @returns stops that */
  onClose(listener: () => void): () => void {
    if (this.hasLeft) listener();
    else this.closing.add(listener);
    return () => void this.closing.delete(listener);
  }

  /** Says good-bye, and hears nothing any more. */
  async close(): Promise<void> {
    this.hasLeft = true;
    for (const listener of [...this.closing]) listener();
    this.presence.stop();
    this.asking.stop();
    await this.post.close();
  }

  /**
   * Asks one or all, this instance too, and waits until they have answered, or for the timeout.
   * Never fails.
   */
  ask(topic: string, body: unknown, options: AskOptions): Promise<Outcome> {
    if (this.isAlone || this.hasLeft || options.to === this.id) return this.askSelf(topic, body);
    return inContext(undefined, () =>
      this.asking.ask(topic, body, options, (question) => {
        void this.answerSelf(question, topic, body);
      }),
    );
  }

  /** Tells one or all others something, and does not know whether they hear it. */
  tell(topic: string, body: unknown, to?: string): void {
    if (to !== this.id && !this.isAlone)
      void this.post.send(to, this.post.message('tell', topic, '', body));
    if (to === undefined || to === this.id) this.listeners.get(topic)?.(decoded(body), this.id);
  }

  private async askSelf(topic: string, body: unknown): Promise<Outcome> {
    const question = new Question('', [this.self()], () => {});
    if (this.hasLeft) question.problem = 'this instance has left the others';
    await this.answerSelf(question, topic, body);
    question.end();
    return question.outcome;
  }

  private async answerSelf(question: Question, topic: string, body: unknown): Promise<void> {
    const from = this.self();
    try {
      const answer = await this.topics.get(topic)?.answer(body, this.id);
      question.answered({ from, problem: undefined, body: decoded(answer) });
    } catch (error) {
      question.answered({ from, problem: describeError(error), body: undefined });
    }
  }

  /** What is in a message may be anything: it must not reach the library that the bus is made of. */
  private receive(message: WireMessage): void {
    try {
      this.take(message);
    } catch {
      this.post.ignore('garbage');
    }
  }

  private take({ kind, from, topic, request, body }: WireMessage): void {
    if (from === this.id) {
      if (kind === 'beat') this.presence.heardOwn();
      return;
    }
    this.presence.members.touch(from);
    if (kind === 'beat') {
      this.presence.heard(from, topic, body);
    } else if (kind === 'bye') {
      this.presence.gone(from);
    } else if (kind === 'answer') {
      this.asking.answered(from, request, body);
    } else if (kind === 'tell') {
      this.listeners.get(topic)?.(body, from);
    } else {
      void this.reply(from, topic, request, body);
    }
  }

  private async reply(from: string, topic: string, request: string, body: unknown): Promise<void> {
    const known = this.topics.get(topic);
    // A later release asks what this one does not know, and sees that it does not answer.
    if (known === undefined) {
      this.post.ignore('version');
      return;
    }
    const make = async (): Promise<WireMessage> => {
      let answer: string;
      try {
        answer = `"value":${jsonOf(await known.answer(body, from))}`;
      } catch (error) {
        answer = `"problem":${jsonOf(describeError(error))}`;
      }
      const told = new Encoded(`{"by":${jsonOf(this.self())},${answer}}`);
      return this.post.message('answer', topic, request, told);
    };
    const key = `${from} ${request}`;
    if (known.isKept) {
      await this.post.send(from, await this.kept.answer(key, make));
    } else if (!this.answering.has(key)) {
      this.answering.add(key);
      await this.post.send(from, await make());
      this.answering.delete(key);
    }
  }
}
