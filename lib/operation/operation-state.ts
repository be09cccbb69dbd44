import type { Controller } from '../scope/abort-signal.js';
import { enterCell } from '../scope/context-carrier.js';
import type { CancelRecord } from '../scope/cancel-record.js';
import { CanceledFacts } from '../scope/canceled-facts.js';
import type {
  CanceledSubject,
  CancelationError,
  CancelationReason,
} from '../scope/cancelation-error.js';
import { describeError, stackOf } from '../scope/describe-error.js';
import { monotonicNow, wallNow } from '../scope/clock.js';
import { ContextCell } from '../scope/context.js';
import { IdentifiedScope } from './identified-scope.js';
import type { CancelListener, ListenerNode } from '../scope/listeners.js';
import type { OperationHost } from './operation-host.js';
import type { OperationKind, OperationMetadata, OperationStatus } from './operation-options.js';
import type { OperationPlan } from './operation-plan.js';
import type { OperationFacade, OutcomeStatus, Responder, TreeCount } from './operation-parts.js';
import { ProtectedScope } from '../scope/protected-scope.js';
import { valueOf } from '../scope/derived-value.js';
import { isThenable, noop } from '../scope/thenable.js';
import { arm, disarm } from '../scope/timers.js';

/**
 * Everything about one operation. The public `Operation` is its facade, made on demand.
 *
 * ```text
 *            cancel                body ends           cleanups ran
 *  running ──────────▶ canceling ───────────▶ decided ──────────────▶ outcome set ──▶ ended
 *     │                                          ▲
 *     └──────────────────────────────────────────┘
 *                     body ends
 * ```
 *
 * `startOperation` begins it, `cancelScope` cancels it, `settleOperation` takes it from there to
 * its end.
 *
 * - `record` is set once, before any listener runs, and never after `decided`: a cancel that comes
 *   later is false and leaves no trace.
 * - `decided` says that the body has given its outcome; `outcome` and `duration` are set together,
 *   after the cleanups. `status` is `running` or `canceling` until then.
 * - Its timer is armed only while it is not decided: for its own deadline without a record, for the
 *   mark of a zombie with one. The limit of its cleanups has a timer apart, `CleanupLimit`.
 * - `limit` is never later than `ownLimit` or the parent's `limit`.
 * - `resolve`, `reject` and `responder` are set only in `race`, and only until the caller was
 *   released: by the cancel, or by the last of its `shields` after that.
 * - `listIndex >= 0` means that the host lists it: from `host.started` to `host.settled`, except
 *   while it is suspended.
 * - After `end()` it has no parent, child, listener, link, cleanup or promise, and its `cell` is
 *   empty: what is left are facts, which the history may keep.
 */
export class OperationState extends IdentifiedScope {
  readonly cell: ContextCell;
  /** Monotonic milliseconds. */
  readonly startedAt: number;
  /** Milliseconds; `undefined` while live. */
  duration: number | undefined = undefined;
  outcome: OutcomeStatus | undefined = undefined;
  /** The body gave a value although it was canceled. */
  returned = false;
  zombie = false;
  /** The error that the caller was given, if it failed. */
  cause: unknown = undefined;
  metadata: Readonly<OperationMetadata> | undefined;
  tags: readonly string[] | undefined;
  facade: OperationFacade | undefined = undefined;
  /** The count of what lives under its root; `undefined`: nothing but itself. */
  tree: TreeCount | undefined = undefined;
  /** The promise the caller holds. */
  promise: Promise<unknown> | undefined = undefined;
  /** Settle the caller's promise early; only in `race`, and only until it was released. */
  resolve: ((value: unknown) => void) | undefined = undefined;
  reject: ((error: unknown) => void) | undefined = undefined;
  /** Releases the client that waits for the operation, as a cancel releases a caller. */
  responder: Responder | undefined = undefined;
  /** Open shields of this operation and of those below: while there are any, the caller waits. */
  shields = 0;
  /** Its index in the host's list of live operations; -1: it is not listed. */
  listIndex = -1;
  private ownCallbackScope: ProtectedScope | undefined = undefined;
  private wallStart: number | undefined = undefined;

  constructor(
    readonly host: OperationHost<OperationState>,
    readonly plan: OperationPlan,
    now: number,
    cell: ContextCell | undefined,
    id: string | undefined,
  ) {
    super();
    this.startedAt = now;
    this.metadata = plan.metadata;
    this.tags = plan.tags;
    this.ownId = id;
    if (cell === undefined) {
      this.cell = new ContextCell(this);
    } else {
      this.cell = cell;
      cell.scope = this;
    }
  }

  get name(): string {
    return this.plan.name;
  }

  get kind(): OperationKind {
    return this.plan.kind;
  }

  get reason(): CancelationReason | undefined {
    return this.record?.reason;
  }

  protected override makeId(): string {
    return this.host.createId();
  }

  protected override identified(id: string, former: string | undefined): void {
    if (this.outcome === undefined) this.host.identified(this, id, former);
  }

  get status(): OperationStatus {
    return this.outcome ?? (this.record === undefined ? 'running' : 'canceling');
  }

  get partialResult(): unknown {
    return valueOf(this.extras?.partialResult);
  }

  /** Adds facts, until it has ended. */
  annotate(metadata: Readonly<OperationMetadata>): void {
    if (this.outcome === undefined) this.metadata = { ...this.metadata, ...metadata };
  }

  /** Keeps a value, or a `DerivedValue`, that survives a cancel. */
  savePartial(value: unknown): void {
    if (this.outcome === undefined) this.ensureExtras().partialResult = value;
  }

  /** Milliseconds since the epoch. */
  get startedWall(): number {
    return (this.wallStart ??= wallNow() - (monotonicNow() - this.startedAt));
  }

  override get parentOperation(): OperationState | undefined {
    return this.parent?.operation() as OperationState | undefined;
  }

  /** @param moment monotonic milliseconds */
  isOlderThan({ monotonic }: { readonly monotonic: number }): boolean {
    return this.startedAt <= monotonic;
  }

  override operation(): OperationState {
    return this;
  }

  /** A part of this operation of its own, which a cancel does not reach. */
  createProtectedScope(): ProtectedScope {
    return new ProtectedScope(this);
  }

  /** The protected scopes in which work of this operation may have been begun. */
  *protectedScopes(): Generator<ProtectedScope> {
    const open = this.extras?.shieldedScopes;
    if (open !== undefined) yield* open;
    if (this.ownCallbackScope !== undefined) yield this.ownCallbackScope;
  }

  /** The place for listeners and cleanups: this operation, under a token that is not canceled. */
  callbackScope(): ProtectedScope {
    return (this.ownCallbackScope ??= new ProtectedScope(this));
  }

  override callbackCell(): object {
    return this.record === undefined ? this.cell : this.callbackScope().cell;
  }

  /**
   * Runs a callback of the user's in the callback scope; what it throws or rejects with is logged.
   */
  callSafely<Arguments extends unknown[]>(
    what: string,
    callback: (...args: Arguments) => unknown,
    ...args: Arguments
  ): void {
    try {
      const result = enterCell(this.callbackScope().cell, callback, ...args);
      if (isThenable(result)) {
        result.then(undefined, (error: unknown) => this.logFailure(what, error));
      }
    } catch (error) {
      this.logFailure(what, error);
    }
  }

  logFailure(what: string, error: unknown): void {
    const stack = stackOf(error);
    this.host.log.error(`${what} of ${this.name} failed: ${describeError(error)}`, stack, this);
  }

  override callListener(node: ListenerNode, error: CancelationError): void {
    const callback = node.callback as CancelListener;
    node.callback = undefined;
    this.callSafely('A cancel listener', callback, error);
  }

  protected override abort(controller: Controller, error: CancelationError): void {
    enterCell(this.callbackScope().cell, () => controller.abort(error));
  }

  override get timedFor(): OperationState {
    return this;
  }

  /** The timer: a deadline while running, the mark of a zombie after a cancel. */
  override expired(): void {
    if (this.decided) return;
    if (this.record !== undefined) {
      // One that waits for a consumer does not run.
      if (this.listIndex < 0) return;
      this.zombie = true;
      this.host.lingered(this);
    } else {
      this.deadlinePassed();
    }
  }

  override marked(): void {
    if (this.timer !== undefined) disarm(this);
  }

  override released(): void {
    const record = this.record as CancelRecord;
    this.host.canceled(this, record);
    if (record.abandoned) this.promise?.catch(noop);
    if (this.shields === 0) this.releaseCaller();
    if (!this.decided) arm(this, this.host.zombieAfter, record.moment);
  }

  /** A canceled operation sends its caller away. */
  releaseCaller(): void {
    if (this.record === undefined) return;
    const { responder, reject } = this;
    this.responder = this.resolve = this.reject = undefined;
    if (responder !== undefined) responder.release(this.error());
    else if (reject !== undefined) reject(this.error());
  }

  /** Its outcome is known. */
  conclude(outcome: OutcomeStatus): void {
    const now = monotonicNow();
    this.outcome = outcome;
    this.duration = now - this.startedAt;
    if (this.record === undefined) this.markOverrun(now);
  }

  /** Empties everything that could hold memory: what remains is plain facts. */
  end(): void {
    if (this.timer !== undefined) disarm(this);
    const { parent } = this;
    if (parent !== undefined) {
      this.keepLineage();
      parent.removeChild(this);
    }
    this.facade?.ended();
    this.cell.empty(this.record !== undefined);
    this.ownCallbackScope?.end();
    this.ownCallbackScope = undefined;
    this.promise =
      this.resolve =
      this.reject =
      this.facade =
      this.responder =
      this.tree =
        undefined;
    if (this.extras !== undefined) {
      this.extras.cleanups = undefined;
      this.extras.progressListeners = this.extras.settledListeners = undefined;
      this.unlink();
    }
    this.clear();
    if (this.record === undefined) return;
    // A stack that nobody has read holds the functions in it, and what they were called on.
    this.record.site?.();
    this.detachError();
  }

  protected override subject(): CanceledSubject {
    if (this.outcome === undefined) return this;
    const { id, name, rootId, extras, record } = this;
    return new CanceledFacts(id, name, rootId, extras?.partialResult, record);
  }
}
