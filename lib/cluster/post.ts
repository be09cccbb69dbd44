import { monotonicNow } from '../scope/clock.js';
import { describeError } from '../scope/describe-error.js';
import { inTime } from '../scope/waiting.js';
import type { OperationLog } from '../operation/operation-log.js';
import type { ClusterSettings } from './cluster-options.js';
import { Freshness } from './freshness.js';
import { type IgnoredMessage, Wire, type WireKind, type WireMessage } from './wire.js';

/** Milliseconds that a farewell may take. */
const FAREWELL = 500;

/** What this instance sends over the bus, and takes from it. */
export class Post {
  /** How many messages were not read, by why. */
  readonly ignored: Record<IgnoredMessage, number> = {
    oversized: 0,
    forged: 0,
    stale: 0,
    garbage: 0,
    version: 0,
  };
  /** What was last said of the bus; the next one that is the same is not said again. */
  problem: string | undefined = undefined;
  isOpen = false;
  private readonly wire: Wire;
  private readonly freshness: Freshness;

  constructor(
    private readonly settings: ClusterSettings,
    private readonly id: string,
    private readonly log: OperationLog,
  ) {
    this.wire = new Wire(settings.bus.secret);
    this.freshness = new Freshness(id, monotonicNow);
  }

  /** Messages are signed, and instances prove to each other that theirs are no copies. */
  get isSigned(): boolean {
    return this.wire.isSigned;
  }

  async open(take: (message: WireMessage) => void, onRecovered: () => void): Promise<boolean> {
    const { bus } = this.settings;
    this.isOpen = true;
    try {
      await bus.open({ log: this.log, onRecovered });
      for (const channel of [this.channel(undefined), this.channel(this.id)]) {
        // Whoever closed it meanwhile would leave a listener behind.
        if (!this.isOpen) return false;
        await bus.subscribe(channel, (text) => this.receive(channel, text, take));
      }
      return true;
    } catch (error) {
      this.failed(error);
      return false;
    }
  }

  async close(): Promise<void> {
    const { bus } = this.settings;
    const channel = this.channel(undefined);
    const bye = this.wire.encode(channel, this.message('bye', '', '', null));
    this.isOpen = false;
    await inTime(bus.publish(channel, bye), FAREWELL).catch(() => {});
    await bus.close();
  }

  message(kind: WireKind, topic: string, request: string, body: unknown): WireMessage {
    return { kind, topic, request, body, from: this.id };
  }

  /**
   * @param to everybody, if it is undefined
   * @returns what went wrong
   */
  async send(to: string | undefined, message: WireMessage): Promise<string | undefined> {
    const channel = this.channel(to);
    const text = this.wire.encode(channel, message);
    try {
      await this.settings.bus.publish(channel, text);
      return undefined;
    } catch (error) {
      return this.failed(error);
    }
  }

  /** Whether an instance listens; while the bus does not say, nobody is taken for gone. */
  async isListening(id: string): Promise<boolean> {
    try {
      return (await this.settings.bus.isHeard(this.channel(id))) === true;
    } catch (error) {
      this.failed(error);
      return true;
    }
  }

  ignore(why: IgnoredMessage): void {
    if (this.ignored[why]++ > 0) return;
    this.log.warn(
      `A message on the bus of ${this.settings.service} was ignored (${why}); more of the kind are only counted`,
    );
  }

  private channel(to: string | undefined): string {
    const { service } = this.settings;
    return to === undefined ? `${service}:all` : `${service}:to:${to}`;
  }

  private receive(channel: string, text: string, take: (message: WireMessage) => void): void {
    if (!this.isOpen) return;
    const message = this.wire.decode(channel, text);
    if (typeof message === 'string') this.ignore(message);
    else if (this.isCopy(channel, message)) this.ignore('stale');
    else take(message);
  }

  /** Whether it may be the copy of an earlier one. Heartbeats of those who are new cannot be told. */
  private isCopy(channel: string, { kind, from, number }: WireMessage): boolean {
    if (number === undefined) return false;
    const isFresh = this.freshness.isFresh(from, number, channel === this.channel(this.id));
    return !(isFresh ?? kind === 'beat');
  }

  private failed(error: unknown): string {
    const { bus, service } = this.settings;
    const problem = `${bus.name}: ${describeError(error)}`;
    if (this.problem !== problem && this.isOpen) {
      this.log.warn(`The other instances of ${service} cannot be reached: ${problem}`);
    }
    return (this.problem = problem);
  }
}
