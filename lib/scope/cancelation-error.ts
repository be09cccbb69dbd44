import { FramelessError } from './frameless-error.js';
import { bare, ownValue } from './plain-object.js';

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

/** When and why something was canceled. */
export interface CancelFacts {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly text: string;
  /** Where in the code it was asked for. */
  readonly site: (() => string | undefined) | undefined;
}

/**
 * The subject of an error, all of it read late: ids are made on demand, and most errors are
 * dropped.
 */
export interface CanceledSubject {
  readonly id: string | undefined;
  readonly name: string | undefined;
  /** The id of the outermost operation of its tree. */
  readonly rootId: string | undefined;
  readonly partialResult: unknown;
  readonly record: CancelFacts | undefined;
}

/**
 * What is known of a cancelation, for errors that are made by hand.
 *
 * @publicApi
 */
export interface CancelationErrorOptions {
  /** What led to this cancelation: another cancelation, an abort reason, a failed condition. */
  readonly cause?: unknown;
  /** Who asked for it: an operation's id, a user's id. */
  readonly requestedBy?: string | undefined;
  /** Milliseconds since the epoch. Default: now. */
  readonly canceledAt?: number;
  /** The id of the operation that was canceled. */
  readonly operationId?: string;
  /** The name of the operation that was canceled. */
  readonly operationName?: string;
  /** What the operation had saved. */
  readonly partialResult?: unknown;
  /** @internal Knows the rest. */
  readonly subject?: CanceledSubject;
}

/** Recognises our errors across two versions of the package. */
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
export abstract class CancelationError extends FramelessError {
  /** Why it was canceled. */
  abstract readonly reason: CancelationReason;
  /** Who asked for it. Default: the id of the operation that was current when it was canceled. */
  declare readonly requestedBy?: string;

  #subject: CanceledSubject;

  constructor(message: string, options: CancelationErrorOptions = {}) {
    const subject = ownValue(options, 'subject') as CanceledSubject | undefined;
    super(message, subject?.record);
    this.#subject = subject ?? subjectOf(message, options);
    const cause = ownValue(options, 'cause');
    const requestedBy = ownValue(options, 'requestedBy');
    if (cause !== undefined) setCause(this, cause);
    if (requestedBy !== undefined) this.requestedBy = requestedBy as string;
  }

  /**
   * @internal What it tells of is over: from now on it tells plain facts, and holds nothing else.
   */
  static detach(error: CancelationError, facts: CanceledSubject): void {
    error.#subject = facts;
  }

  /** What was said of the cancel, or a fixed text of its reason. */
  override get message(): string {
    return this.#facts.text;
  }

  /** The id of the canceled operation; `undefined` for a token of its own. */
  get operationId(): string | undefined {
    return this.#subject.id;
  }

  /** The name of the operation that was canceled; `undefined` for a token of its own. */
  get operationName(): string | undefined {
    return this.#subject.name;
  }

  /** @internal The id of the outermost operation above it, or its own. */
  get rootId(): string | undefined {
    return this.#subject.rootId;
  }

  /** When it was canceled. */
  get canceledAt(): Date {
    return new Date(this.#facts.at);
  }

  /** Where in the code `cancel()` was called; `undefined` if nobody's code did. */
  get requestedFrom(): string | undefined {
    return this.#facts.site?.();
  }

  /** What the operation had saved with `savePartial()` or delivered through `stream()`. */
  get partialResult(): unknown {
    return this.#subject.partialResult;
  }

  get #facts(): CancelFacts {
    return this.#subject.record as CancelFacts;
  }
}

/** Makes the subject of an error that was constructed by hand. */
function subjectOf(text: string, options: CancelationErrorOptions): CanceledSubject {
  const { operationId, operationName, partialResult, canceledAt = Date.now() } = bare(options);
  const record: CancelFacts = { at: canceledAt, text, site: undefined };
  return { id: operationId, name: operationName, rootId: undefined, partialResult, record };
}

/** As a native error's: not listed among its keys. */
export function setCause(error: Error, cause: unknown): void {
  Object.defineProperty(error, 'cause', {
    value: cause,
    writable: true,
    configurable: true,
    enumerable: false,
  });
}

Object.defineProperties(CancelationError.prototype, {
  name: { value: 'AbortError', writable: true, configurable: true },
  [BRAND]: { value: true },
  // Node compares errors, and hands over what a worker does not catch, by this tag.
  [Symbol.toStringTag]: { value: 'Error', configurable: true },
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
 * Whether an error is a cancelation of this library. By brand, not by class: two versions of the
 * package in one process agree.
 *
 * @publicApi
 */
export function isCancelation(error: unknown): error is CancelationError {
  return (
    typeof error === 'object' && error !== null && (error as { [BRAND]?: true })[BRAND] === true
  );
}
