import type { OperationState } from '../core/operation-state.js';
import { LONGEST_DELAY } from '../core/timers.js';
import { whenSettled } from '../core/operation-state.js';

/** Waits until work has ended, for a time, or until somebody loses patience. */
export class PatientWait {
  private giveUp: (() => void) | undefined = undefined;
  private isOver = false;

  /** Nobody waits any longer. */
  end(): void {
    this.isOver = true;
    this.giveUp?.();
  }

  /** The next step has its own time. */
  renew(): void {
    this.isOver = false;
  }

  /**
   * Keeps the process alive, which would otherwise end before the hooks are called.
   *
   * @param busy what is waited for; asked again until it is empty
   * @param limit milliseconds
   * @returns whether everything ended
   */
  async wait(busy: () => readonly OperationState[], limit: number): Promise<boolean> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const patience = new Promise<void>((resolve) => {
      this.giveUp = () => {
        this.isOver = true;
        resolve();
      };
      // Node would call a longer timer at once.
      timer = setTimeout(this.giveUp, Math.min(limit, LONGEST_DELAY));
    });
    try {
      for (let states = busy(); states.length > 0; states = busy()) {
        if (this.isOver) return false;
        await Promise.race([patience, Promise.all(states.map(whenChanged))]);
      }
      return true;
    } finally {
      clearTimeout(timer);
      this.giveUp = undefined;
    }
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
