import type { FeedMessages } from '../../api-types.js';
import { addressOf } from './api.js';

export type Connection = 'connecting' | 'live' | 'reconnecting';

export interface FeedListener {
  connection(state: Connection): void;
  message<Name extends keyof FeedMessages>(name: Name, message: FeedMessages[Name]): void;
  /** Asked before each new attempt. @returns whether to go on */
  mayReconnect(): Promise<boolean>;
}

const MESSAGES = ['reset', 'changes', 'info'] as const;
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 15_000;

/**
 * The feed. The browser reconnects by itself when a connection breaks, but gives up on an answer such
 * as a proxy's 502, after which this tries again, each time later.
 */
export class FeedConnection {
  private source: EventSource | undefined;
  private pause = FIRST_PAUSE;

  constructor(private readonly listener: FeedListener) {}

  open(): void {
    const source = new EventSource(addressOf('feed'));
    this.source = source;
    source.addEventListener('open', () => {
      this.pause = FIRST_PAUSE;
      this.listener.connection('live');
    });
    source.addEventListener('error', () => this.failed(source));
    for (const name of MESSAGES) {
      source.addEventListener(name, ({ data }: MessageEvent<string>) => {
        this.listener.message(name, JSON.parse(data) as FeedMessages[typeof name]);
      });
    }
  }

  close(): void {
    this.source?.close();
    this.source = undefined;
  }

  private failed(source: EventSource): void {
    if (source !== this.source) return;
    this.listener.connection('reconnecting');
    if (source.readyState !== EventSource.CLOSED) return;
    window.setTimeout(() => void this.retry(source), this.pause);
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE);
  }

  private async retry(source: EventSource): Promise<void> {
    const goesOn = await this.listener.mayReconnect();
    if (goesOn && source === this.source) this.open();
  }
}
