import { surfacing } from '../operation/causes.js';
import type { OperationState } from '../operation/operation-state.js';

/** The call that a followed handler belongs to. */
export interface HandlerOwner {
  handlerEnded(state: OperationState, succeeded: boolean, value: unknown): void;
}

/**
 * The promise of a handler. Its caller is released with the operation; its end is awaited all the
 * same.
 */
export class FollowedHandler {
  isRunning = true;
  private reject: ((error: unknown) => void) | undefined = undefined;

  constructor(
    private readonly state: OperationState,
    private readonly owner: HandlerOwner,
  ) {}

  /** @returns the caller's promise */
  follow(body: Promise<unknown>): Promise<unknown> {
    const { state } = this;
    return new Promise((resolve, reject) => {
      if (state.plan.race) {
        if (state.record !== undefined) reject(state.error());
        else this.reject = reject;
      }
      body.then(
        (value) => {
          resolve(value);
          this.ended(true, value);
        },
        (error: unknown) => {
          reject(surfacing(state, error));
          this.ended(false, error);
        },
      );
    });
  }

  /** Lets the caller go early. @returns whether it waited */
  release(error: unknown): boolean {
    const { reject } = this;
    if (reject === undefined) return false;
    this.reject = undefined;
    reject(error);
    return true;
  }

  private ended(succeeded: boolean, value: unknown): void {
    this.isRunning = false;
    this.reject = undefined;
    this.owner.handlerEnded(this.state, succeeded, value);
  }
}
