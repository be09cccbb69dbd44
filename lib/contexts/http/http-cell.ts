import { ContextCell } from '../../core/context.js';
import type { OperationState } from '../../core/operation-state.js';
import type { Scope } from '../../core/scope.js';
import type { HandlerCell } from '../../decorators/method-definition.js';

/** The request behind a cell, while it lasts. */
export interface HttpCellOwner {
  readonly headersSent: boolean;
  /** The operation comes into being on first use. */
  materialize(): Scope | undefined;
  claim(handler: object): OperationState | undefined;
  followHandler(body: Promise<unknown>): Promise<unknown>;
  retimed(): void;
  renamed(id: string): void;
}

/**
 * What the async context of a request carries. Pools and timers keep it alive for as long as they
 * live, so it lets go of the request, its response and its socket when they are over.
 */
export class HttpCell extends ContextCell implements HandlerCell {
  constructor(private owner: HttpCellOwner | undefined) {
    super(undefined);
  }

  get headersSent(): boolean {
    return this.owner === undefined || this.owner.headersSent;
  }

  override resolve(): Scope | undefined {
    return this.scope ?? this.owner?.materialize();
  }

  override claim(handler: object): Scope | undefined {
    return this.owner?.claim(handler);
  }

  followHandler(body: Promise<unknown>): Promise<unknown> {
    return this.owner === undefined ? body : this.owner.followHandler(body);
  }

  retimed(): void {
    this.owner?.retimed();
  }

  renamed(id: string): void {
    this.owner?.renamed(id);
  }

  override empty(canceled: boolean): void {
    super.empty(canceled);
    this.owner = undefined;
  }
}
