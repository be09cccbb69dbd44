import type { OperationState } from '../operation/operation-state.js';
import { LONGEST_DELAY } from '../scope/timers.js';
import { whenSettled } from '../operation/when-settled.js';

/** Waits until work has ended, for a time, or until somebody loses patience. */
export class PatientWait {
  private giveUp: (() => void) | undefined = undefined;
  private endPause: (() => void) | undefined = undefined;
  private isOver = false;
  private isUrged = false;

  /** Nobody waits any longer. */
  end(): void {
    this.isOver = this.isUrged = true;
    this.giveUp?.();
  }

  /** The next step has its own time. */
  renew(): void {
    this.isOver = this.isUrged = false;
  }

  /** A pause is over; what comes after it takes its time all the same. */
  resume(): void {
    this.endPause?.();
  }

  /** @param length milliseconds */
  async pause(length: number): Promise<void> {
    const { patience, forget } = this.limit(length);
    await Promise.race([patience, new Promise<void>((resolve) => (this.endPause = resolve))]);
    this.endPause = undefined;
    // Only a signal ends more than the pause.
    if (!this.isUrged) this.isOver = false;
    forget();
  }

  /** @param limit milliseconds */
  async race(work: Promise<void>, limit: number): Promise<void> {
    if (this.isOver) return;
    const { patience, forget } = this.limit(limit);
    await Promise.race([patience, work]);
    forget();
  }

  /**
   * @param busy what is waited for; asked again until it is empty
   * @param limit milliseconds
   * @returns whether everything ended
   */
  async wait(busy: () => readonly OperationState[], limit: number): Promise<boolean> {
    const { patience, forget } = this.limit(limit);
    try {
      for (let states = busy(); states.length > 0; states = busy()) {
        if (this.isOver) return false;
        await Promise.race([patience, Promise.all(states.map(whenChanged))]);
      }
      return true;
    } finally {
      forget();
    }
  }

  /** Keeps the process alive, which would otherwise end before the hooks are called. */
  private limit(length: number): { readonly patience: Promise<void>; readonly forget: () => void } {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const patience = new Promise<void>((resolve) => {
      this.giveUp = () => {
        this.isOver = true;
        resolve();
      };
      // Node would call a longer timer at once.
      timer = setTimeout(this.giveUp, Math.min(length, LONGEST_DELAY));
    });
    const forget = () => {
      clearTimeout(timer);
      this.giveUp = undefined;
    };
    return { patience, forget };
  }
}

/** Resolves once it is canceled, too: it may not be among those that are waited for any more. */
function whenChanged(state: OperationState): Promise<void> {
  if (state.record !== undefined) return whenSettled(state);
  return new Promise((resolve) => {
    const observer = state.observe(() => resolve());
    void whenSettled(state).then(() => {
      observer.remove();
      resolve();
    });
  });
}
