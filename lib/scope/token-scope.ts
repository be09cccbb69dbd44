import type { Controller, Signal } from './abort-signal.js';
import { cancelScope } from './cancel.js';
import { type CancelRecord, recordFromError } from './cancel-record.js';
import { deriveSignal, type SignalOwner } from './derived-signal.js';
import { describeError } from './describe-error.js';
import { inContext } from './context-storage.js';
import { ContextCell } from './context.js';
import { ListenerList, type ListenerNode } from './listeners.js';
import { CanceledFacts } from './canceled-facts.js';
import type { CanceledSubject, CancelationError } from './cancelation-error.js';
import { Scope } from './scope.js';
import { SourceLink } from './source-link.js';
import type { TokenSource } from './token-sources.js';

/** The scope behind a token of its own: no operation, no children; possibly derived. */
export class TokenScope extends Scope implements SignalOwner {
  readonly cell: ContextCell = new ContextCell(this);
  private link: SourceLink | undefined = undefined;
  private signalIsHeard = false;
  private signalIsCombined = false;
  /** The deadline it had when it was canceled. */
  private lastLimit: number | undefined = undefined;

  constructor(private sources: readonly TokenSource[] = []) {
    super();
  }

  /** A scope that has settled: canceled or not, and nothing else. */
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
    const isNew = this.controller === undefined;
    const signal = super.signal();
    if (isNew && this.sources.length > 0 && !deriveSignal(signal, this))
      this.signalUsed(true, false);
    return signal;
  }

  signalUsed(isHeard: boolean, isCombined: boolean): void {
    this.signalIsHeard = isHeard;
    this.signalIsCombined = isCombined;
    this.follow();
  }

  protected override createListeners(): ListenerList {
    return new ListenerList(() => {
      this.listeners = undefined;
      this.follow();
    });
  }

  protected override heard(): void {
    this.follow();
  }

  private get listening(): boolean {
    return this.link !== undefined;
  }

  /** Listens to the sources for as long as anybody would hear of it. */
  private follow(): void {
    if (this.sources.length === 0) return;
    const isHeard = this.listeners !== undefined || this.signalIsHeard;
    if (!isHeard && !this.signalIsCombined) return this.stopListening();
    const link = (this.link ??= new SourceLink());
    link.hold(this, isHeard);
    if (link.isOpen) return;
    for (const source of this.sources) {
      link.open(source);
      if (this.link !== link) return;
    }
  }

  private stopListening(): void {
    const { link } = this;
    this.link = undefined;
    link?.close();
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
      const result: unknown = inContext(place, call);
      if (result instanceof Promise) result.catch(reportListenerFailure);
    } catch (failure) {
      reportListenerFailure(failure);
    }
  }

  protected override abort(controller: Controller, error: CancelationError): void {
    inContext(undefined, () => controller.abort(error));
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
