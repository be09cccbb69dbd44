import { randomUUID } from 'node:crypto';
import type { CancelationBus, CancelationBusHost } from '../cluster/cancelation-bus.js';
import { noop } from '../scope/thenable.js';

/** Something that a bus must do. */
export interface TrialCheck {
  readonly name: string;
  readonly check: (trial: BusTrial) => Promise<void>;
}

/** Milliseconds. */
interface Waits {
  readonly patience: number;
  readonly quiet: number;
}

/** Milliseconds between two looks. */
const PACE = 10;

/** What one subscription has heard. */
export interface Heard {
  readonly messages: string[];
  readonly stop: () => Promise<void>;
}

/** The buses of one check, what they hear, and how long it is waited for. */
export class BusTrial {
  private readonly buses: CancelationBus[] = [];

  constructor(
    private readonly create: () => CancelationBus,
    private readonly waits: Waits,
  ) {}

  /** A bus that is open. */
  async open(): Promise<CancelationBus> {
    const bus = this.create();
    this.buses.push(bus);
    await bus.open(host);
    return bus;
  }

  /** A name that nobody else uses. */
  name(): string {
    return `check-${randomUUID()}`;
  }

  async listen(bus: CancelationBus, channel: string): Promise<Heard> {
    const messages: string[] = [];
    const stop = await bus.subscribe(channel, (message) => messages.push(message));
    return { messages, stop };
  }

  /** @throws Error when it does not become true in time */
  async until(
    isTrue: () => boolean | Promise<boolean>,
    what: string | (() => string),
  ): Promise<void> {
    const end = performance.now() + this.waits.patience;
    while (!(await isTrue())) {
      if (performance.now() > end) {
        const text = typeof what === 'string' ? what : what();
        throw new Error(`Expected ${text}, within ${this.waits.patience} ms`);
      }
      await pause(PACE);
    }
  }

  /** Waits until each has heard these messages, each at least once. */
  async untilHeard(listeners: readonly Heard[], ...wanted: readonly string[]): Promise<void> {
    for (const [index, { messages }] of listeners.entries()) {
      const missing = () => {
        const heard = new Set(messages);
        return wanted.filter((message) => !heard.has(message));
      };
      await this.until(
        () => missing().length === 0,
        () =>
          `listener ${index + 1} to hear ${describe(missing())}; it heard ${describe(messages)}`,
      );
    }
  }

  /** Lets pass what could still come, though it must not. */
  quiet(): Promise<void> {
    return pause(this.waits.quiet);
  }

  async end(): Promise<void> {
    for (const bus of this.buses) await bus.close();
  }
}

/** @throws Error that says what was expected */
export function expect(isTrue: boolean, what: string): void {
  if (!isTrue) throw new Error(`Expected ${what}`);
}

/** @throws Error unless it rejects */
export async function expectRejection(call: () => Promise<unknown>, what: string): Promise<void> {
  const rejects = await call().then(
    () => false,
    () => true,
  );
  expect(rejects, `${what} to reject`);
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

const host: CancelationBusHost = {
  log: { debug: noop, warn: noop, error: noop },
  onRecovered: noop,
};

/** Messages as an error shows them. */
export function describe(messages: readonly string[]): string {
  const shown = messages.slice(0, 5).map((message) => {
    const isLong = message.length > 50;
    return JSON.stringify(isLong ? `${message.slice(0, 50)}…` : message);
  });
  const rest = messages.length - shown.length;
  return `[${shown.join(', ')}${rest > 0 ? `, and ${rest} more` : ''}]`;
}
