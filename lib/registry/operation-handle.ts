import { isDueTo } from '../operation/causes.js';
import { closeLateValue } from '../operation/late-value.js';
import { describeError } from '../scope/describe-error.js';
import type { CancelationError } from '../scope/cancelation-error.js';
import { callBody } from '../operation/run.js';
import { settleOperation, settleQuietly } from '../operation/settle-operation.js';
import { OperationConflict } from '../operation/operation-errors.js';
import { Operation } from '../operation/operation.js';
import type { Responder } from '../operation/operation-parts.js';
import type { OperationState } from '../operation/operation-state.js';

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
  /** The operation. */
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

/**
 * An operation whose end you decide, of `registry.start()`. `await using` completes it.
 *
 * @publicApi
 */
export type OperationHandle = OperationHandleMethods & AsyncDisposal;

class Handle implements OperationHandleMethods, Responder {
  /** Made at once: an operation that is looked at only after its end would not know its result. */
  readonly operation: Operation;
  /** Sources that need time to start, a lease that is taken: no part runs before. */
  private readonly prepared: Promise<void> | undefined;

  constructor(
    private readonly state: OperationState,
    prepared: Promise<boolean> | undefined,
  ) {
    this.operation = Operation.of(state);
    if (state.plan.race) state.responder = this;
    this.prepared = prepared?.then((runs) => {
      if (!runs) throw new OperationConflict(`${state.name} is running already for this key`);
    });
    this.prepared?.catch((error: unknown) => void settleQuietly(state, false, error));
  }

  /** The parts that are still waited for, by what lets their callers go. */
  private readonly waiting = new Set<(error: CancelationError) => void>();

  release(error: CancelationError): void {
    for (const reject of this.waiting) reject(error);
    this.waiting.clear();
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
    const body = callBody(state, async () => fn(operation), undefined, []) as Promise<
      Awaited<Result>
    >;
    if (!state.plan.race) return body;
    return this.follow(body);
  }

  /** A cancel lets go of everybody who waits; open shields keep them. */
  private follow<Value>(body: Promise<Value>): Promise<Value> {
    const { state, waiting } = this;
    return new Promise((resolve, reject) => {
      if (state.record !== undefined && state.shields === 0) reject(state.error());
      else waiting.add(reject);
      body.then(
        (value) => {
          if (waiting.delete(reject)) resolve(value);
          else closeLateValue(state, value);
        },
        (error: unknown) => {
          waiting.delete(reject);
          const isDue = state.record !== undefined && isDueTo(state, error);
          reject(isDue ? state.error() : error);
          if (state.record !== undefined && !isDue) {
            state.host.log.warn(
              `A part of ${state.name} failed after it was canceled: ${describeError(error)}`,
              state,
            );
          }
        },
      );
    });
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
  prepared: Promise<boolean> | undefined,
): OperationHandle {
  const handle = new Handle(state, prepared);
  Object.defineProperty(handle, Symbol.asyncDispose, { value: () => handle.complete() });
  return handle as unknown as OperationHandle;
}
