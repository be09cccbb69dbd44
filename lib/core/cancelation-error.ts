/**
 * Why work was canceled.
 *
 * @publicApi
 */
export type CancelationReason =
  | 'timeout'
  | 'manual'
  | 'signal'
  | 'condition'
  | 'parent'
  | 'disconnect'
  | 'shutdown'
  | 'superseded';

/** What an error needs to know of the operation it belongs to. Read late: ids are made on demand. */
export interface CanceledSubject {
  readonly id: string | undefined;
  readonly name: string | undefined;
  readonly partialResult: unknown;
}

/**
 * @publicApi
 */
export interface CancelationErrorOptions {
  /** What led to this cancelation: another cancelation, an abort reason, a failed condition. */
  readonly cause?: unknown;
  /** Who asked for it: an operation's id, a user's id. */
  readonly requestedBy?: string;
  /** Milliseconds since the epoch. Default: now. */
  readonly canceledAt?: number;
  readonly operationId?: string;
  readonly operationName?: string;
  readonly partialResult?: unknown;
  /** @internal */
  readonly subject?: CanceledSubject;
}

/** Recognises our errors across two copies of the package. */
const BRAND = Symbol.for('nestjs-cancelable.cancelation');

/**
 * What canceled work rejects with, and the `reason` of its AbortSignal. There is a subclass per
 * reason. `name` is `'TimeoutError'` for timeouts and `'AbortError'` for the rest, so that other
 * libraries recognise it. Carries no stack frames: it is created where the cancel happens, which
 * says nothing about the work.
 *
 * @example
 * try {
 *   await reports.render(rows);
 * } catch (error) {
 *   if (isCancelation(error) && error.reason === 'timeout') return cached;
 *   throw error;
 * }
 * @publicApi
 */
export abstract class CancelationError extends Error {
  abstract readonly reason: CancelationReason;
  /** Who asked for it. Default: the id of the operation that was current when it was canceled. */
  declare readonly requestedBy?: string;

  readonly #canceledAt: number;
  readonly #subject: CanceledSubject | undefined;

  constructor(message: string, options: CancelationErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    if (options.requestedBy !== undefined) this.requestedBy = options.requestedBy;
    this.#canceledAt = options.canceledAt ?? Date.now();
    this.#subject = options.subject ?? {
      id: options.operationId,
      name: options.operationName,
      partialResult: options.partialResult,
    };
  }

  /** The id of the canceled operation; `undefined` for a token of its own. */
  get operationId(): string | undefined {
    return this.#subject?.id;
  }

  get operationName(): string | undefined {
    return this.#subject?.name;
  }

  get canceledAt(): Date {
    return new Date(this.#canceledAt);
  }

  /** What the operation had saved with `savePartial()` or delivered through `stream()`. */
  get partialResult(): unknown {
    return this.#subject?.partialResult;
  }
}

Object.defineProperties(CancelationError.prototype, {
  name: { value: 'AbortError', writable: true, configurable: true },
  [BRAND]: { value: true },
  stack: {
    configurable: true,
    get(this: Error) {
      return `${this.name}: ${this.message}`;
    },
    set(this: Error, value: unknown) {
      Object.defineProperty(this, 'stack', { value, writable: true, configurable: true });
    },
  },
});

/**
 * The deadline passed.
 * @publicApi
 */
export class TimeoutCancelation extends CancelationError {
  get reason(): 'timeout' {
    return 'timeout';
  }
}
Object.defineProperty(TimeoutCancelation.prototype, 'name', {
  value: 'TimeoutError',
  writable: true,
  configurable: true,
});

/**
 * Somebody asked for it: `operation.cancel()`, `registry.cancel(id)`, `token.cancel()`.
 * @publicApi
 */
export class ManualCancelation extends CancelationError {
  get reason(): 'manual' {
    return 'manual';
  }
}

/**
 * A process signal or a foreign AbortSignal.
 * @publicApi
 */
export class SignalCancelation extends CancelationError {
  get reason(): 'signal' {
    return 'signal';
  }
}

/**
 * A condition was met.
 * @publicApi
 */
export class ConditionCancelation extends CancelationError {
  get reason(): 'condition' {
    return 'condition';
  }
}

/**
 * The operation this one belongs to was canceled or has settled.
 * @publicApi
 */
export class ParentCancelation extends CancelationError {
  get reason(): 'parent' {
    return 'parent';
  }
}

/**
 * The client left.
 * @publicApi
 */
export class DisconnectCancelation extends CancelationError {
  get reason(): 'disconnect' {
    return 'disconnect';
  }
}

/**
 * The application is shutting down and the grace period has passed.
 * @publicApi
 */
export class ShutdownCancelation extends CancelationError {
  get reason(): 'shutdown' {
    return 'shutdown';
  }
}

/**
 * A newer call of the same exclusive key took over.
 * @publicApi
 */
export class SupersededCancelation extends CancelationError {
  get reason(): 'superseded' {
    return 'superseded';
  }
}

const CLASSES: {
  readonly [Reason in CancelationReason]: new (
    message: string,
    options?: CancelationErrorOptions,
  ) => CancelationError;
} = {
  timeout: TimeoutCancelation,
  manual: ManualCancelation,
  signal: SignalCancelation,
  condition: ConditionCancelation,
  parent: ParentCancelation,
  disconnect: DisconnectCancelation,
  shutdown: ShutdownCancelation,
  superseded: SupersededCancelation,
};

/** Every reason there is, for validation. */
export const CANCELATION_REASONS = Object.keys(CLASSES) as readonly CancelationReason[];

/** Creates the error of a reason, without capturing a stack. */
export function createCancelationError(
  reason: CancelationReason,
  message: string,
  options: CancelationErrorOptions,
): CancelationError {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = NO_STACK;
  const error = new CLASSES[reason](message, options);
  Error.stackTraceLimit = limit;
  return error;
}

/**
 * A limit that is no number makes V8 skip the stack altogether, at half the cost of an empty one;
 * the prototype answers for it. Where a version of V8 does not ask the prototype, it is 0.
 */
const NO_STACK = skippedStackIsAnswered() ? (undefined as unknown as number) : 0;

function skippedStackIsAnswered(): boolean {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = undefined as unknown as number;
  const { stack } = new ManualCancelation('probe');
  Error.stackTraceLimit = limit;
  return stack === 'AbortError: probe';
}

/**
 * Whether an error is a cancelation of this library. By brand, not by class: two copies of the
 * package in one process agree.
 *
 * @publicApi
 */
export function isCancelation(error: unknown): error is CancelationError {
  return (
    typeof error === 'object' && error !== null && (error as { [BRAND]?: true })[BRAND] === true
  );
}
