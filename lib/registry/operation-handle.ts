import { isDueTo } from '../core/causes.js';
import { describeError } from '../core/describe-error.js';
import { contextStorage } from '../core/ambient.js';
import { settleOperation } from '../core/lifecycle.js';
import { Operation } from '../core/operation.js';
import type { OperationState } from '../core/operation-state.js';

/** `[Symbol.asyncDispose]`, where the consumer's types know it. */
export type AsyncDisposal = typeof Symbol extends {
  readonly asyncDispose: infer Key extends symbol;
}
  ? { readonly [Name in Key]: () => Promise<void> }
  : unknown;

/**
 * An operation whose end you decide: for work that is not one function.
 *
 * @example
 * await using upload = registry.start({ name: 'upload', timeout: '1h' });
 * await upload.run((operation) => sendFirstPart(operation.signal));
 * await upload.run((operation) => sendSecondPart(operation.signal));
 * await upload.complete();
 * @publicApi
 */
export interface OperationHandleMethods {
  readonly operation: Operation;
  /**
   * Runs a part of the work in the operation's context. A cancel releases the caller.
   *
   * @throws CancelationError when the operation is canceled; what the function throws
   */
  run<Result>(fn: (operation: Operation) => Result | PromiseLike<Result>): Promise<Awaited<Result>>;
  /** Ends it well; resolves once cleanups have run. */
  complete(result?: unknown): Promise<void>;
  /** Ends it with an error; resolves once cleanups have run. */
  fail(error: unknown): Promise<void>;
}

/** @publicApi */
export type OperationHandle = OperationHandleMethods & AsyncDisposal;

class Handle implements OperationHandleMethods {
  /** Made at once: an operation that is looked at only after its end would not know its result. */
  readonly operation: Operation;

  constructor(
    private readonly state: OperationState,
    /** Sources that need time to start: no part runs before. */
    private readonly prepared: Promise<void> | undefined,
  ) {
    this.operation = Operation.of(state);
  }

  async run<Result>(
    fn: (operation: Operation) => Result | PromiseLike<Result>,
  ): Promise<Awaited<Result>> {
    const { operation, state } = this;
    if (this.prepared !== undefined) await this.prepared;
    operation.token.throwIfCanceled();
    if (state.outcome !== undefined) {
      throw new Error(`${state.name} has ended: its handle runs nothing any more`);
    }
    const body = contextStorage.run(state.cell, async () => fn(operation)) as Promise<
      Awaited<Result>
    >;
    if (!state.plan.race) return body;
    body.catch((error: unknown) => {
      if (state.record !== undefined && !isDueTo(state, error)) {
        state.host.log.warn(
          `A part of ${state.name} failed after it was canceled: ${describeError(error)}`,
        );
      }
    });
    return operation.token.race(body);
  }

  async complete(result?: unknown): Promise<void> {
    await settleOperation(this.state, true, result);
  }

  async fail(error: unknown): Promise<void> {
    try {
      await settleOperation(this.state, false, error);
    } catch {
      // It ended with this very error, as asked.
    }
  }
}

export function createHandle(
  state: OperationState,
  prepared: Promise<void> | undefined,
): OperationHandle {
  const handle = new Handle(state, prepared);
  Object.defineProperty(handle, Symbol.asyncDispose, { value: () => handle.complete() });
  return handle as unknown as OperationHandle;
}
