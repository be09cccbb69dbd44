import { describeError } from '../scope/describe-error.js';
import { inTime } from '../scope/waiting.js';
import type { OperationLog } from '../operation/operation-host.js';
import type { ClusterSettings } from './cluster-options.js';
import { type IgnoredMessage, Wire, type WireKind, type WireMessage } from './wire.js';

/** Milliseconds that a farewell may take. */
const FAREWELL = 500;

/** What this instance sends over the bus, and takes from it. */
export class Post {
  /** How many messages were not read, by why. */
  readonly ignored: Record<IgnoredMessage, number> = {
    oversized: 0,
    forged: 0,
    garbage: 0,
    version: 0,
  };
  /** What was last said of the bus; the next one that is the same is not said again. */
  problem: string | undefined = undefined;
  isOpen = false;
  private readonly wire: Wire;

  constructor(
    private readonly settings: ClusterSettings,
    private readonly id: string,
    private readonly log: OperationLog,
  ) {
    this.wire = new Wire(settings.bus.secret);
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
  send(to: string | undefined, message: WireMessage): Promise<string | undefined> {
    return this.sendText(to, this.encode(to, message));
  }

  encode(to: string | undefined, message: WireMessage): string {
    return this.wire.encode(this.channel(to), message);
  }

  async sendText(to: string | undefined, text: string): Promise<string | undefined> {
    try {
      await this.settings.bus.publish(this.channel(to), text);
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
    else take(message);
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
