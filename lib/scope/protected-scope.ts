import type { Controller } from './abort-signal.js';
import { CanceledFacts } from './canceled-facts.js';
import type { CanceledSubject, CancelationError } from './cancelation-error.js';
import { contextStorage } from './context-storage.js';
import { ContextCell } from './context.js';
import type { ListenerNode } from './listeners.js';
import { Scope } from './scope.js';
import { CancelationToken } from './token.js';

/**
 * A part of an operation that its cancel does not reach: listeners and cleanups run here, so that
 * what they call works although the operation is canceled.
 */
export class ProtectedScope extends Scope {
  readonly cell: ContextCell = new ContextCell(this);

  private ownToken: CancelationToken | undefined = undefined;

  constructor(readonly owner: Scope) {
    super();
  }

  /** The same for all that runs here. */
  get token(): CancelationToken {
    return (this.ownToken ??= CancelationToken.of(this));
  }

  get id(): string | undefined {
    return this.owner.id;
  }

  get name(): string | undefined {
    return this.owner.name;
  }

  get rootId(): string | undefined {
    return this.owner.rootId;
  }

  get partialResult(): unknown {
    return this.owner.partialResult;
  }

  get limit(): undefined {
    return undefined;
  }

  override operation(): Scope | undefined {
    return this.owner;
  }

  override checkClock(): void {}
  override expired(): void {}
  override marked(): void {}
  override released(): void {}

  override callbackCell(): object {
    return this.cell;
  }

  override callListener(node: ListenerNode, error: CancelationError): void {
    this.owner.callListener(node, error);
  }

  protected override abort(controller: Controller, error: CancelationError): void {
    contextStorage.run(this.cell, () => controller.abort(error));
  }

  /** The operation is over. Work that was begun here goes on, with nothing to belong to. */
  end(): void {
    for (let child = this.firstChild; child !== undefined; child = this.firstChild) {
      child.orphan();
    }
    this.decided = true;
    this.cell.empty(false);
    if (this.ownToken !== undefined) CancelationToken.retire(this.ownToken);
    this.clear();
    this.detachError();
  }

  protected override subject(): CanceledSubject {
    if (!this.decided) return this;
    const { id, name, rootId, partialResult, record } = this;
    return new CanceledFacts(id, name, rootId, partialResult, record);
  }
}
