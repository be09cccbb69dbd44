import { type Readable, useStore } from './store.js';

/** Milliseconds between two looks at the clock. */
const PACE = 250;

/** The server's clock, for all that moves with time: one timer, and only while somebody looks. */
class Clock implements Readable<number> {
  private offset = 0;
  private current = Date.now();
  private timer: number | undefined;
  private readonly listeners = new Set<() => void>();

  /** @param now the server's clock: milliseconds since the epoch */
  adjust(now: number): void {
    this.offset = now - Date.now();
    this.current = now;
  }

  /** Exactly now; milliseconds since the epoch. */
  now(): number {
    return Date.now() + this.offset;
  }

  /** As of the last tick, the same for all that is shown. */
  get(): number {
    if (this.timer === undefined) this.current = this.now();
    return this.current;
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    this.timer ??= window.setInterval(() => this.tick(), PACE);
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size > 0) return;
      window.clearInterval(this.timer);
      this.timer = undefined;
    };
  }

  private tick(): void {
    if (document.hidden) return;
    this.current = this.now();
    for (const listener of [...this.listeners]) listener();
  }
}

export const clock = new Clock();

/** The server's clock: milliseconds since the epoch. */
export function useNow(): number {
  return useStore(clock);
}

const STILL: Readable<number> = { get: () => clock.get(), subscribe: () => () => undefined };

/** The same, which stands still for what has ended. */
export function useNowWhile(isMoving: boolean): number {
  return useStore(isMoving ? clock : STILL);
}
