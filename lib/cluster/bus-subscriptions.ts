import type { BusSession } from './bus-session.js';

/** What one session is subscribed to: brought in line with what is wanted, channel by channel. */
export class BusSubscriptions {
  /** The last step of each channel: a session subscribes and unsubscribes in order. */
  private readonly steps = new Map<string, Promise<unknown>>();

  constructor(
    private readonly session: BusSession,
    private readonly wanted: ReadonlySet<string>,
  ) {}

  get isComplete(): boolean {
    return this.different().length === 0;
  }

  /** Until nothing has changed meanwhile. */
  async complete(): Promise<void> {
    for (let channels = this.different(); channels.length > 0; channels = this.different()) {
      await Promise.all(channels.map((channel) => this.update(channel)));
    }
  }

  /** Subscribes or unsubscribes, whichever is wanted when it is this channel's turn. */
  async update(channel: string): Promise<void> {
    const { session, steps, wanted } = this;
    const last = steps.get(channel) ?? Promise.resolve();
    const step = last.then(() =>
      wanted.has(channel) ? session.subscribe(channel) : session.unsubscribe(channel),
    );
    steps.set(channel, step);
    await step;
    if (steps.get(channel) === step && !wanted.has(channel)) steps.delete(channel);
  }

  private different(): string[] {
    const missing = [...this.wanted].filter((channel) => !this.steps.has(channel));
    const left = [...this.steps.keys()].filter((channel) => !this.wanted.has(channel));
    return [...missing, ...left];
  }
}
