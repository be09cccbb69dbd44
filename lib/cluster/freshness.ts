/** Milliseconds, at least, by which a message may be behind a later one of its sender. */
const LATEST = 10_000;
/** Senders that are remembered, those that are gone too. */
const MOST_SENDERS = 10_000;

interface Sender {
  /** What is not above it is too late. */
  floor: number;
  /** The floor from the next look on. */
  next: number;
  /** When the floor was last raised. */
  since: number;
  highest: number;
  /** What was heard above the floor. */
  readonly seen: Set<number>;
}

/**
 * Tells signed messages from copies of earlier ones, by the numbers that their senders give them.
 * Clocks of others play no part, and no server: an instance draws its id anew whenever it starts,
 * so what is sent to it alone cannot be older than it is. From there on, numbers count.
 */
export class Freshness {
  private readonly senders = new Map<string, Sender>();

  /** @param self whose own messages come back to it */
  constructor(
    self: string,
    private readonly now: () => number,
  ) {
    this.add(self, 0);
  }

  /**
   * @param isDirect it was sent to this instance alone
   * @returns `undefined`: nothing is known of its sender, and it may have been sent at any time
   */
  isFresh(from: string, number: number, isDirect: boolean): boolean | undefined {
    const sender = this.senders.get(from);
    if (sender === undefined) {
      if (isDirect) this.add(from, number);
      return isDirect || undefined;
    }
    if (number <= sender.floor || sender.seen.has(number)) return false;
    // The least recent are the first that are forgotten.
    this.senders.delete(from);
    this.senders.set(from, sender);
    sender.seen.add(number);
    sender.highest = Math.max(sender.highest, number);
    if (this.now() - sender.since >= LATEST) this.raise(sender);
    return true;
  }

  private add(from: string, number: number): void {
    const [oldest] = this.senders.keys();
    if (this.senders.size >= MOST_SENDERS && oldest !== undefined) this.senders.delete(oldest);
    const numbers = { floor: number, next: number, highest: number };
    this.senders.set(from, { ...numbers, since: this.now(), seen: new Set() });
  }

  private raise(sender: Sender): void {
    sender.floor = sender.next;
    sender.next = sender.highest;
    sender.since = this.now();
    for (const number of sender.seen) if (number <= sender.floor) sender.seen.delete(number);
  }
}
