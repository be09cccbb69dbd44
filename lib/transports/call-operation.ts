import { isRefusal } from '../operation/operation-errors.js';
import type { OperationState } from '../operation/operation-state.js';
import { isCancelation } from '../scope/cancelation-error.js';
import type { Scope } from '../scope/scope.js';
import { ownError } from './foreign-cancelation.js';
import { IncomingCell, type IncomingCellOwner } from './incoming-cell.js';
import type { OpenCall, OpenCalls } from './open-calls.js';

/**
 * What came in from outside: it runs in a context cell of its own, is one of the open calls until
 * it is over, and has an operation, which comes into being on first use.
 */
export abstract class CallOperation implements IncomingCellOwner, OpenCall {
  readonly cell: IncomingCell = new IncomingCell(this);
  previousCall: OpenCall | undefined = undefined;
  nextCall: OpenCall | undefined = undefined;
  protected state: OperationState | undefined = undefined;
  protected isOver = false;
  private isListed = true;
  /** The handler has set its deadline itself. */
  protected hasOwnDeadline = false;
  /** There was no room for an operation: what its handler begins is in no tree. */
  protected hasNoPlace = false;

  constructor(protected readonly calls: OpenCalls) {
    calls.add(this);
  }

  abstract get isStream(): boolean;
  abstract get hasAnswered(): boolean;

  /** Starts the operation. @throws what refuses the start */
  abstract begin(): OperationState;

  materialize(): Scope | undefined {
    if (this.isOver) return undefined;
    try {
      return this.state ?? this.begin();
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.hasNoPlace = true;
      return undefined;
    }
  }

  /** By default no handler is this operation. */
  claim(_body: object): OperationState | undefined {
    return undefined;
  }

  followHandler(body: Promise<unknown>): Promise<unknown> {
    return body;
  }

  retimed(): void {
    this.hasOwnDeadline = true;
  }

  renamed(): void {
    if (this.state !== undefined) this.named(this.state);
  }

  /** The operation has its id. */
  protected named(_state: OperationState): void {}

  drain(): void {}
  abandon(): void {}

  /** The id of the outermost operation of what this call is a part of. */
  protected treeId(): string | undefined {
    return this.state?.rootId;
  }

  /** Turns the cancelation of another call into a failure of this one. */
  protected own(error: unknown): unknown {
    const { state } = this;
    if (!isCancelation(error) || this.hasNoPlace) return error;
    if (state?.hasError === true && error === state.error()) return error;
    return ownError(error, this.treeId(), this.calls.live);
  }

  /** It is over: no operation comes into being any more, and no shutdown waits for it. */
  protected leave(): void {
    this.isOver = true;
    if (!this.isListed) return;
    this.isListed = false;
    this.calls.remove(this);
  }
}
