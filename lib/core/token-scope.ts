import type { Controller, Signal } from './abort-signal.js';
import { cancelScope } from './cancel.js';
import { CancelRecord, recordFromAbort, recordFromError } from './cancel-record.js';
import { describeError } from './describe-error.js';
import { monotonicNow } from './clock.js';
import { contextStorage } from './ambient.js';
import { ContextCell } from './context.js';
import { formatDuration } from './duration.js';
import { ListenerList, type ListenerNode } from './listeners.js';
import { CanceledFacts } from './canceled-facts.js';
import type { CanceledSubject, CancelationError } from './cancelation-error.js';
import { Scope } from './scope.js';
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

/** The scope behind a token of its own: no operation, no children; possibly derived. */
export class TokenScope extends Scope {
  readonly cell: ContextCell = new ContextCell(this);
  private unlisten: (() => void)[] | undefined = undefined;
  /** The deadline it had when it was canceled. */
  private lastLimit: number | undefined = undefined;

  constructor(private sources: readonly TokenSource[] = []) {
    super();
  }

  /** What is left of a scope that has settled. */
  static settled(error: CancelationError | undefined): TokenScope {
    const scope = new TokenScope();
    scope.decided = true;
    if (error !== undefined) {
      scope.record = recordFromError(error);
      scope.failure = error;
    }
    return scope;
  }

  get id(): undefined {
    return undefined;
  }
  get rootId(): undefined {
    return undefined;
  }

  get name(): undefined {
    return undefined;
  }
  get partialResult(): undefined {
    return undefined;
  }

  get limit(): number | undefined {
    let nearest = this.lastLimit;
    for (const { limit } of this.sources) {
      if (limit !== undefined && (nearest === undefined || limit < nearest)) nearest = limit;
    }
    return nearest;
  }

  override operation(): undefined {
    return undefined;
  }

  override isCanceled(): boolean {
    if (this.record === undefined && !this.listening) this.checkClock();
    return this.record !== undefined;
  }

  override checkClock(): void {
    if (this.record !== undefined) return;
    let first: CancelRecord | undefined;
    let earliest = Infinity;
    for (const source of this.sources) {
      const record = source.check();
      if (record === undefined) continue;
      const since = source.canceledSince ?? Infinity;
      if (first !== undefined && since >= earliest) continue;
      first = record;
      earliest = since;
    }
    if (first === undefined) return;
    // Noticed late; a token derived from this one wants to know when it was.
    first.moment = Math.min(first.moment, earliest);
    cancelScope(this, first);
  }

  override expired(): void {}

  override marked(): void {
    this.stopListening();
    this.lastLimit = this.limit;
    this.sources = [];
  }

  override released(): void {}

  override signal(): Signal {
    const signal = super.signal();
    if (this.record === undefined) this.startListening();
    return signal;
  }

  protected override createListeners(): ListenerList {
    this.startListening();
    return new ListenerList(() => {
      this.listeners = undefined;
      if (this.controller === undefined) this.stopListening();
    });
  }

  private get listening(): boolean {
    return this.unlisten !== undefined;
  }

  private startListening(): void {
    if (this.sources.length === 0 || this.listening) return;
    const unlisten: (() => void)[] = (this.unlisten = []);
    const trigger = (record: CancelRecord) => void cancelScope(this, record);
    for (const source of this.sources) unlisten.push(source.listen(trigger));
  }

  private stopListening(): void {
    const { unlisten } = this;
    this.unlisten = undefined;
    if (unlisten !== undefined) for (const stop of unlisten) stop();
  }

  protected override subject(): CanceledSubject {
    return new CanceledFacts(undefined, undefined, undefined, undefined, this.record);
  }

  override callbackCell(): object {
    return this.cell;
  }

  override callListener(node: ListenerNode, error: CancelationError): void {
    const { callback, cell } = node;
    node.callback = undefined;
    if (callback === undefined) return;
    try {
      const call = () => callback(error);
      const place = (cell as ContextCell | undefined)?.scope?.callbackCell() ?? cell;
      const result: unknown =
        place === undefined ? contextStorage.exit(call) : contextStorage.run(place, call);
      if (result instanceof Promise) result.catch(reportListenerFailure);
    } catch (failure) {
      reportListenerFailure(failure);
    }
  }

  protected override abort(controller: Controller, error: CancelationError): void {
    contextStorage.exit(() => controller.abort(error));
  }
}

/** A token of its own belongs to no application whose log could be written to. */
function reportListenerFailure(failure: unknown): void {
  process.emitWarning(`A cancel listener of a token failed: ${describeError(failure)}`, {
    type: 'CancelableWarning',
    ...(failure instanceof Error && failure.stack !== undefined
      ? { detail: failure.stack }
      : undefined),
  });
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
    const onAbort = () => trigger(recordFromAbort(this.signal.reason));
    this.signal.addEventListener('abort', onAbort, { once: true });
    return () => this.signal.removeEventListener('abort', onAbort);
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
    return new CancelRecord(
      'timeout',
      `timed out after ${formatDuration(this.delay)}`,
      undefined,
      undefined,
    );
  }
}
