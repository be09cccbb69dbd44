import { monotonicNow } from '../scope/clock.js';
import { isRecord } from '../scope/plain-object.js';
import { pauseUntil } from '../scope/waiting.js';
import { type Member, readMember } from './members.js';
import type { Post } from './post.js';
import type { Presence } from './presence.js';
import { type Outcome, Question } from './question.js';
import type { WireMessage } from './wire.js';

export interface AskOptions {
  /** One other instance; all of them otherwise. */
  readonly to?: string | undefined;
  /** Milliseconds. */
  readonly timeout: number;
  /** Without an answer in time, it is asked again for so many milliseconds. */
  readonly insist?: number | undefined;
}

/** Milliseconds until a question is repeated to those who did not answer; then twice as long. */
const FIRST_REPEAT = 150;
const LAST_REPEAT = 1_000;
/** Milliseconds. */
const INSISTING_EVERY = 1_000;
const MOST_INSISTENT = 1_000;

/** Questions to the other instances. Each is repeated until it is answered: a bus may lose it. */
export class Asking {
  private readonly questions = new Map<string, Question>();
  private readonly insistent = new Map<string, () => void>();

  constructor(
    private readonly post: Post,
    private readonly presence: Presence,
    private readonly self: () => Member,
    private readonly createId: () => string,
  ) {
    presence.onLeft((id) => {
      for (const question of [...this.questions.values()]) question.left(id);
    });
  }

  /**
   * @param answerSelf what this instance answers, when all are asked
   * @returns what has come in when everybody has answered, or in time; never fails
   */
  async ask(
    topic: string,
    body: unknown,
    { to, timeout, insist = 0 }: AskOptions,
    answerSelf: (question: Question) => void,
  ): Promise<Outcome> {
    const end = monotonicNow() + timeout;
    await this.presence.whenReady(timeout * 0.75);
    const expected = to === undefined ? [this.self(), ...this.presence.members.all()] : [];
    const member = to === undefined ? undefined : this.presence.members.get(to);
    if (member !== undefined) expected.push(member);
    const question = new Question(this.createId(), expected, ({ request }) =>
      this.questions.delete(request),
    );
    this.questions.set(question.request, question);
    question.problem = this.problem();
    const limit = setTimeout(() => question.end(), Math.max(0, end - monotonicNow()));
    limit.unref();
    if (to === undefined) answerSelf(question);
    const message = this.post.message('ask', topic, question.request, body);
    void this.repeat(question, message, to);
    const outcome = await question.outcome;
    clearTimeout(limit);
    if (to !== undefined && outcome.missing.length > 0) this.insist(message, to, insist);
    return outcome;
  }

  answered(from: string, request: string, body: unknown): void {
    this.insistent.get(request)?.();
    const question = this.questions.get(request);
    if (question === undefined) return;
    const member = isRecord(body) ? readMember(body['by']) : undefined;
    if (!isRecord(body) || member?.id !== from) {
      this.post.ignore('garbage');
      return;
    }
    const { problem, value } = body;
    question.answered({
      from: member,
      problem: typeof problem === 'string' ? problem : undefined,
      body: value,
    });
  }

  stop(): void {
    for (const stop of [...this.insistent.values()]) stop();
    for (const question of [...this.questions.values()]) question.end();
  }

  /** Why it is not known whether everybody can be asked. */
  private problem(): string | undefined {
    if (this.presence.isReady) return undefined;
    return this.post.problem ?? 'it is not known yet who is there';
  }

  /** Sends a question until everybody has answered it, or it is over. */
  private async repeat(
    question: Question,
    message: WireMessage,
    to: string | undefined,
  ): Promise<void> {
    let isSent = await this.put(question, message, to);
    for (let pause = FIRST_REPEAT; !question.isOver; pause = Math.min(2 * pause, LAST_REPEAT)) {
      await pauseUntil(question.outcome, pause);
      if (question.isOver) return;
      if (!isSent) {
        isSent = await this.put(question, message, to);
        continue;
      }
      for (const { id } of question.missing()) {
        if (id !== this.self().id) await this.put(question, message, id);
      }
      question.problem = this.problem();
      question.check();
    }
  }

  /** @returns whether it was sent */
  private async put(
    question: Question,
    message: WireMessage,
    to: string | undefined,
  ): Promise<boolean> {
    const problem = await this.post.send(to, message);
    question.problem = problem ?? this.problem();
    question.check();
    return problem === undefined;
  }

  /** Nobody waits for it any more, and still it shall be done. */
  private insist(message: WireMessage, to: string, time: number): void {
    const { request } = message;
    if (time === 0 || !this.post.isOpen || this.insistent.size >= MOST_INSISTENT) return;
    const timer = setInterval(() => void this.post.send(to, message), INSISTING_EVERY);
    const stop = () => {
      clearInterval(timer);
      clearTimeout(limit);
      stopLeft();
      this.insistent.delete(request);
    };
    const limit = setTimeout(stop, time);
    const stopLeft = this.presence.onLeft((id) => {
      if (id === to) stop();
    });
    timer.unref();
    limit.unref();
    this.insistent.set(request, stop);
  }
}
