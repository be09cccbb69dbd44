import type { ExecutionContext } from '@nestjs/common';
import { ContextCell } from '../scope/context.js';
import { contextCarrier } from '../scope/context-carrier.js';
import type { OperationState } from '../operation/operation-state.js';
import type { Scope } from '../scope/scope.js';
import type { HandlerCell } from '../methods/handler-call.js';

/** The call behind a cell, while it lasts. */
export interface IncomingCellOwner {
  /** The context that Nest calls the handler with; a request of many calls has none. */
  readonly context?: ExecutionContext;
  /** Its answer has begun: a default timeout has nothing more to say. */
  readonly hasAnswered: boolean;
  /** The operation comes into being on first use. */
  materialize(): Scope | undefined;
  claim(handler: object): OperationState | undefined;
  followHandler(body: Promise<unknown>): Promise<unknown>;
  retimed(): void;
  renamed(): void;
}

/**
 * What the async context of a call carries. Pools and timers keep it alive for as long as they
 * live, so it lets go of the call, and with it of a response and its socket, when it is over.
 */
export class IncomingCell extends ContextCell implements HandlerCell {
  private carried: unknown = contextCarrier.capture?.();

  constructor(private owner: IncomingCellOwner | undefined) {
    super(undefined);
  }

  /** The handler was not followed: it may go on after its operation. */
  outlived = false;

  override get mayStillRun(): boolean {
    return this.outlived;
  }

  override get captured(): unknown {
    return this.carried;
  }

  get hasAnswered(): boolean {
    return this.owner === undefined || this.owner.hasAnswered;
  }

  /** Whether this very call runs in it already. */
  serves(context: ExecutionContext): boolean {
    return this.owner?.context === context;
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

  renamed(): void {
    this.owner?.renamed();
  }

  override empty(canceled: boolean): void {
    super.empty(canceled);
    this.owner = this.carried = undefined;
  }
}
