import { readCancelOptions } from '../scope/cancel-options.js';
import type { CancelOptions } from '../scope/cancel-record.js';
import { type Duration, parseDuration } from '../scope/duration.js';
import { CancelationToken } from '../scope/token.js';

/**
 * One call of `cancel()`.
 *
 * @publicApi
 */
export interface RecordedCancel {
  /** What was said of it. */
  readonly options: CancelOptions;
  /** Whether it was the call that canceled the token. */
  readonly first: boolean;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/**
 * A token that remembers who canceled it, and can be canceled later.
 *
 * @example
 * const token = new RecordingToken();
 * token.cancelAfter('5s', { message: 'stop pressed' });
 * const report = service.build('Paris', token);
 * await jest.advanceTimersByTimeAsync(5_000);
 * await expect(report).rejects.toMatchObject({ message: 'stop pressed' });
 * expect(token.cancels).toHaveLength(1);
 * @publicApi
 */
export class RecordingToken extends CancelationToken {
  /** Every call of `cancel()`, the ones that came too late too. */
  readonly cancels: RecordedCancel[] = [];

  /** Cancels it, and records the call. */
  override cancel(options: CancelOptions = {}): boolean {
    const first = super.cancel(options);
    this.cancels.push({ options, first, at: Date.now() });
    return first;
  }

  /**
   * Cancels after a while, by the timers that are in use: fake ones too.
   *
   * @returns takes it back
   * @throws TypeError when it is no duration
   */
  cancelAfter(delay: Duration, options?: CancelOptions): () => void {
    const milliseconds = parseDuration(delay, 'token.cancelAfter()', { zero: true });
    if (options !== undefined) readCancelOptions(options, 'token.cancelAfter()');
    const timer = setTimeout(() => this.cancel(options), milliseconds);
    return () => clearTimeout(timer);
  }
}
