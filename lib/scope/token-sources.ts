import { CancelRecord, recordFromAbort } from './cancel-record.js';
import { monotonicNow } from './clock.js';
import { formatDuration } from './duration.js';
import { arm, disarm, Timed } from './timers.js';

/** Something a token is derived from. It is listened to only while the token is. */
export interface TokenSource {
  /** The cancel to take over, if there is one by now. */
  check(): CancelRecord | undefined;
  listen(trigger: (record: CancelRecord) => void): () => void;
  readonly limit: number | undefined;
  /** When it was canceled, in monotonic milliseconds; `undefined`: not, or nobody can tell. */
  readonly canceledSince: number | undefined;
}

/**
 * The waiters for one AbortSignal: one listener on it serves all, since each costs more than the
 * last.
 */
class SignalHub {
  private readonly waiting = new Set<() => void>();

  constructor(private readonly signal: AbortSignal) {}

  wait(callback: () => void): () => void {
    if (this.waiting.size === 0)
      this.signal.addEventListener('abort', this.onAbort, { once: true });
    this.waiting.add(callback);
    return () => {
      if (!this.waiting.delete(callback) || this.waiting.size > 0) return;
      this.signal.removeEventListener('abort', this.onAbort);
    };
  }

  private readonly onAbort = (): void => {
    const callbacks = [...this.waiting];
    this.waiting.clear();
    for (const callback of callbacks) callback();
  };
}

const hubs = new WeakMap<AbortSignal, SignalHub>();

function hubOf(signal: AbortSignal): SignalHub {
  let hub = hubs.get(signal);
  if (hub === undefined) hubs.set(signal, (hub = new SignalHub(signal)));
  return hub;
}

/** Derives from an AbortSignal of anybody. */
export class AbortSignalSource implements TokenSource {
  readonly limit = undefined;
  readonly canceledSince = undefined;

  constructor(private readonly signal: AbortSignal) {}

  check(): CancelRecord | undefined {
    return this.signal.aborted ? recordFromAbort(this.signal.reason) : undefined;
  }

  listen(trigger: (record: CancelRecord) => void): () => void {
    const record = this.check();
    if (record !== undefined) {
      trigger(record);
      return () => {};
    }
    const { signal } = this;
    return hubOf(signal).wait(() => trigger(recordFromAbort(signal.reason)));
  }
}

/** A deadline: read from the clock on demand, with a timer only while somebody listens. */
export class DeadlineSource extends Timed implements TokenSource {
  readonly limit: number;
  private trigger: ((record: CancelRecord) => void) | undefined = undefined;

  constructor(private readonly delay: number) {
    super();
    this.limit = monotonicNow() + delay;
  }

  get canceledSince(): number {
    return this.limit;
  }

  check(): CancelRecord | undefined {
    return monotonicNow() >= this.limit ? this.record() : undefined;
  }

  listen(trigger: (record: CancelRecord) => void): () => void {
    this.trigger = trigger;
    const now = monotonicNow();
    arm(this, Math.max(0, this.limit - now), now);
    return () => {
      this.trigger = undefined;
      disarm(this);
    };
  }

  override expired(): void {
    this.trigger?.(this.record());
  }

  private record(): CancelRecord {
    return new CancelRecord('timeout', `timed out after ${formatDuration(this.delay)}`);
  }
}
