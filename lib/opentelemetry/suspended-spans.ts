import type { Span } from '@opentelemetry/api';
import type { OperationState } from '../operation/operation-state.js';
import { wallNow } from '../scope/clock.js';
import { safely, type OnFailure } from '../telemetry/observe-safely.js';

/** A span that waits for a consumer. */
interface Suspended {
  readonly name: string;
  readonly span: Span;
  /** Milliseconds since the epoch at which the body had returned. */
  readonly returnedAt: number;
}

/**
 * The spans of operations whose results nobody consumes yet. One that nobody ever consumes ends when
 * its operation is collected, or its application closes: what is below it would hang in the air.
 */
export class SuspendedSpans {
  private readonly all = new Map<Span, Suspended>();
  private readonly collected = new FinalizationRegistry<Suspended>((each) => this.end(each));
  private readonly end: (each: Suspended) => void;

  constructor(onFailure: OnFailure) {
    this.end = safely((each: Suspended) => this.endUnconsumed(each), onFailure);
  }

  add(state: OperationState, span: Span): void {
    const suspended = { name: state.name, span, returnedAt: wallNow() };
    this.all.set(span, suspended);
    this.collected.register(state, suspended, span);
  }

  /** Somebody consumes it. */
  delete(span: Span): void {
    if (this.all.delete(span)) this.collected.unregister(span);
  }

  endAll(): void {
    for (const each of this.all.values()) this.end(each);
  }

  private endUnconsumed({ span, returnedAt }: Suspended): void {
    if (!this.all.delete(span)) return;
    try {
      span.setAttribute('cancelable.unconsumed', true);
    } finally {
      span.end(returnedAt);
    }
  }
}
