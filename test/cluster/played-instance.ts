import { localBus } from 'nestjs-cancelable';
import { OpenBus, until } from '../support/open-bus.js';

/** A message, as it is sent. */
export interface Heard {
  readonly k: string;
  readonly t: string;
  readonly r: string;
  readonly f: string;
  readonly b: Record<string, unknown>;
}

/** An instance that a test plays by hand, message by message. */
export class PlayedInstance {
  readonly heard: Heard[] = [];
  private settled = 0;
  /** Bytes of the longest message. */
  longest = 0;
  /** What it answers to each question. Default: nothing. */
  answers: ((question: Heard) => unknown) | undefined = undefined;

  private constructor(
    private readonly service: string,
    private readonly open: OpenBus,
  ) {}

  static async join(service: string): Promise<PlayedInstance> {
    const played = new PlayedInstance(service, await OpenBus.open(localBus()));
    for (const channel of ['all', 'to:played']) {
      await played.open.bus.subscribe(`${service}:${channel}`, (text) => played.take(text));
    }
    await played.beatAs('played');
    return played;
  }

  async leave(): Promise<void> {
    await this.send(`${this.service}:all`, 'bye', '', '', null);
  }

  /** Says that an instance is there, and will say so again within so many milliseconds. */
  beatAs(id: string, every = 60_000): Promise<void> {
    const body = { ...this.self(), id, name: id, every };
    return this.send(`${this.service}:all`, 'beat', '', '', body, { f: id });
  }

  /** @param other replaces what is in the envelope, or adds to it */
  send(
    channel: string,
    kind: string,
    topic: string,
    request: string,
    body: unknown,
    other: object = {},
  ): Promise<void> {
    const message = { v: 1, k: kind, f: 'played', t: topic, r: request, ...other, b: body };
    return this.open.bus.publish(channel, JSON.stringify(message));
  }

  /**
   * @param from who sends it
   * @param by who is said to have answered
   */
  answer(question: Heard, value: unknown, from = 'played', by = from): Promise<void> {
    const body = { by: { ...this.self(), id: by, name: by }, value };
    const channel = `${this.service}:to:${question.f}`;
    return this.send(channel, 'answer', question.t, question.r, body, { f: from });
  }

  /** What was answered to a question of its own. */
  answerTo(request: string): Record<string, unknown> | undefined {
    return this.heard.find(({ k, r }) => k === 'answer' && r === request)?.b;
  }

  /** Until what was sent before has been taken, whatever came of it. */
  async settle(): Promise<void> {
    const request = `settle-${this.settled++}`;
    await this.send(`${this.service}:all`, 'ask', 'about', request, {});
    await until(() => this.answerTo(request) !== undefined);
  }

  private self() {
    return {
      ...{ id: 'played', name: 'played', live: 0, draining: false, every: 60_000 },
      startedAt: '2026-11-29T22:00:00.000Z',
    };
  }

  private take(text: string): void {
    const message = JSON.parse(text) as Heard;
    if (message.f === 'played') return;
    this.heard.push(message);
    this.longest = Math.max(this.longest, Buffer.byteLength(text));
    if (message.k !== 'ask' || this.answers === undefined) return;
    void this.answer(message, this.answers(message));
  }
}
