import { setImmediate } from 'node:timers/promises';
import { monotonicNow } from './clock.js';

/** Milliseconds of work before the event loop gets its turn. */
const LONGEST = 5;

/**
 * Long work that leaves the event loop its turns.
 *
 * @example
 * const turns = new Turns();
 * for (const item of items) {
 *   work(item);
 *   if (turns.isOver()) await turns.next();
 * }
 */
export class Turns {
  private began = monotonicNow();
  private steps = 0;

  /** @param stride the steps between two looks at the clock, where a step costs less than a look */
  constructor(private readonly stride = 1) {}

  /** To be asked after each step: whether this turn has taken long. */
  isOver(): boolean {
    return ++this.steps % this.stride === 0 && monotonicNow() - this.began >= LONGEST;
  }

  async next(): Promise<void> {
    await setImmediate();
    this.began = monotonicNow();
  }
}

/** Steps between two looks at the clock. */
const STRIDE = 64;

/**
 * What is kept of many items, which are looked at while the event loop has its turns.
 *
 * @param keep what is kept of an item; nothing of it, if it returns `undefined`
 * @param most items that are kept: the others are not looked at
 */
export async function collectInTurns<Item, Kept extends object>(
  items: Iterable<Item>,
  keep: (item: Item) => Kept | undefined,
  most = Infinity,
): Promise<Kept[]> {
  const turns = new Turns(STRIDE);
  const kept: Kept[] = [];
  for (const item of items) {
    if (kept.length >= most) break;
    const left = keep(item);
    if (left !== undefined) kept.push(left);
    if (turns.isOver()) await turns.next();
  }
  return kept;
}
