/**
 * How a command treats its connection: `blocking` ones may block it, `interruptible` ones may and
 * can be unblocked.
 */
export type Manner = 'plain' | 'blocking' | 'interruptible';

/** A command that is on its way to a connection, or waits for it. */
export class Turn {
  constructor(
    readonly manner: Manner,
    readonly begin: () => void,
  ) {}
}

/**
 * Keeps the blocking commands of one connection apart. The server unblocks a connection, whatever
 * it executes at that moment: so a command that can be unblocked is alone, and no other that blocks
 * is sent until it is over. The server would not begin with that one earlier either. Everything
 * behind a command that is held is held too, so that the order stays.
 */
export class ConnectionGate {
  private readonly held: Turn[] = [];
  private readonly open = new Set<Turn>();

  get isHolding(): boolean {
    return this.held.length > 0;
  }

  enter(turn: Turn): void {
    if (this.isHolding || !this.admits(turn)) this.held.push(turn);
    else this.begin(turn);
  }

  /** A command that may block is over. */
  leave(turn: Turn): void {
    if (this.open.delete(turn)) this.advance();
  }

  /** @returns false if the command is not held */
  drop(turn: Turn): boolean {
    const index = this.held.indexOf(turn);
    if (index < 0) return false;
    this.held.splice(index, 1);
    this.advance();
    return true;
  }

  private advance(): void {
    for (let next = this.held[0]; next !== undefined && this.admits(next); next = this.held[0]) {
      this.held.shift();
      this.begin(next);
    }
  }

  private admits({ manner }: Turn): boolean {
    if (manner === 'plain') return true;
    if (manner === 'interruptible') return this.open.size === 0;
    for (const { manner: other } of this.open) if (other === 'interruptible') return false;
    return true;
  }

  private begin(turn: Turn): void {
    if (turn.manner !== 'plain') this.open.add(turn);
    turn.begin();
  }
}
