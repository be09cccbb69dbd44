import type { CancelMessage } from './carried.js';

/** A call that its caller can cancel by id. */
export interface CorrelatedCall {
  callerStoppedWaiting(timedOut: boolean): void;
}

/** Cancels without a call that are remembered. */
const MOST_EARLY = 256;

/** The calls of one application whose callers may say that they stopped waiting. */
export class CorrelatedCalls {
  private readonly calls = new Map<string, CorrelatedCall>();
  /** A cancel overtakes a call that waits for its guards; oldest first. */
  private readonly early = new Map<string, CancelMessage>();

  /** The calls among an application's operations. */
  static of(live: object): CorrelatedCalls {
    let found = byHost.get(live);
    if (found === undefined) byHost.set(live, (found = new CorrelatedCalls()));
    return found;
  }

  get size(): number {
    return this.calls.size;
  }

  /** Follows the caller. An id that is taken stays with the call that had it first. */
  add(id: string, call: CorrelatedCall): void {
    const canceled = this.early.get(id);
    if (canceled !== undefined) {
      this.early.delete(id);
      call.callerStoppedWaiting(canceled.timedOut);
    } else if (!this.calls.has(id)) {
      this.calls.set(id, call);
    }
  }

  remove(id: string, call: CorrelatedCall): void {
    if (this.calls.get(id) === call) this.calls.delete(id);
  }

  /**
   * A cancel for a call that is over, or runs elsewhere, looks like one that came before its call:
   * the last few are kept, whatever they are.
   */
  cancel(message: CancelMessage): void {
    const call = this.calls.get(message.call);
    if (call !== undefined) {
      call.callerStoppedWaiting(message.timedOut);
      return;
    }
    this.early.set(message.call, message);
    if (this.early.size <= MOST_EARLY) return;
    for (const oldest of this.early.keys()) {
      this.early.delete(oldest);
      break;
    }
  }
}

const byHost = new WeakMap<object, CorrelatedCalls>();
