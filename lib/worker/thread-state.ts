import type { OperationHost } from '../operation/operation-host.js';
import type { OperationMetadata } from '../operation/operation-options.js';
import type { OperationPlan } from '../operation/operation-plan.js';
import { OperationState } from '../operation/operation-state.js';
import { monotonicNow } from '../scope/clock.js';
import { DerivedValue } from '../scope/derived-value.js';
import { type CarriedOperation, sharedNow, type ThreadReport } from './wire.js';

/**
 * The main thread's operation as the worker thread has it: what is written to it is reported there,
 * and the clock there decides, since deadlines may have moved.
 */
export class ThreadState extends OperationState {
  /** Monotonic milliseconds of this thread; `undefined`: nothing above has a deadline. */
  private readonly inheritedLimit: number | undefined;

  /**
   * @param report sends to the main thread; `where` is the user's call, if the report has a value
   * of theirs
   */
  constructor(
    host: OperationHost<OperationState>,
    plan: OperationPlan,
    { id, startedAt, limit, inheritedLimit }: CarriedOperation,
    private readonly report: (report: ThreadReport, where?: string) => void,
  ) {
    const offset = monotonicNow() - sharedNow();
    super(host, plan, startedAt + offset, undefined, id);
    this.limit = limit === undefined ? undefined : limit + offset;
    this.inheritedLimit = inheritedLimit === undefined ? undefined : inheritedLimit + offset;
  }

  override checkClock(): void {}

  override setDeadline(delay: number | undefined, now: number): void {
    if (delay === undefined) return;
    this.limit = Math.min(this.inheritedLimit ?? Infinity, now + delay);
    this.report({ type: 'extend', delay });
  }

  override annotate(metadata: Readonly<OperationMetadata>): void {
    if (this.outcome !== undefined) return;
    const all = { ...this.metadata, ...metadata };
    this.report({ type: 'annotate', metadata: all }, 'operation.annotate()');
    super.annotate(metadata);
  }

  override savePartial(value: unknown): void {
    if (this.outcome === undefined && !(value instanceof DerivedValue)) {
      this.report({ type: 'partial', value }, 'operation.savePartial()');
    }
    super.savePartial(value);
  }
}
