import { monotonicNow, wallNow } from './clock.js';
import {
  type CancelationError,
  type CancelationReason,
  type CancelFacts,
  isCancelation,
} from './cancelation-error.js';
import { ownValue } from './plain-object.js';

/**
 * What is said of a cancel. An Error in its place is the cause, with its message.
 *
 * @publicApi
 */
export interface CancelOptions {
  /** Default: `'manual'`. */
  readonly reason?: CancelationReason;
  /** For people. Stays inside the process: HTTP clients see a fixed text per reason. */
  readonly message?: string;
  /** What led to it, for `error.cause`. Default: none. */
  readonly cause?: unknown;
  /** Who asks. Default: the id of the current operation. */
  readonly requestedBy?: string;
}

const DEFAULT_MESSAGES: { readonly [Reason in CancelationReason]: string } = {
  timeout: 'deadline passed',
  manual: 'canceled',
  signal: 'signal received',
  condition: 'condition met',
  parent: 'parent was canceled',
  disconnect: 'client disconnected',
  shutdown: 'application is shutting down',
  superseded: 'superseded by a newer call',
};

let sequence = 0;

/** A scope that was canceled before. */
interface Canceled {
  readonly record: CancelRecord | undefined;
  error(): CancelationError;
}

/** What is known of a cancel beside its reason and message. */
export interface CancelDetails {
  readonly cause?: unknown;
  readonly requestedBy?: string | undefined;
  /**
   * The scope whose cancel led to this one. The record keeps its error, since the scope may end
   * before.
   */
  readonly origin?: Canceled | undefined;
  readonly abandoned?: boolean;
  readonly site?: () => string | undefined;
}

const NO_DETAILS: CancelDetails = {};

/** Nothing that somebody has put onto Object.prototype. */
const own = ownValue as <Key extends keyof CancelDetails>(
  details: CancelDetails,
  key: Key,
) => CancelDetails[Key];

/** Why a scope was canceled. Shared by all that one cancel reaches, and written once. */
export class CancelRecord implements CancelFacts {
  readonly at = wallNow();
  /**
   * Monotonic milliseconds: to measure how long the work took to stop, and which of several was
   * first.
   */
  moment = monotonicNow();
  /** Which of several was first, where a clock stands still. */
  private readonly sequence = ++sequence;
  /** The error of the topmost scope that led to it: nobody has to climb there. */
  readonly top: CancelationError | undefined;
  /** The error of the scope whose cancel led to this one: the cause of this one's. */
  readonly origin: CancelationError | undefined;

  /** Read only where no scope led to this cancel. */
  readonly cause: unknown;
  readonly requestedBy: string | undefined;
  /** The parent ended, and nobody waits for the outcome. */
  readonly abandoned: boolean;
  /** Where in the code it was asked for. */
  readonly site: (() => string | undefined) | undefined;

  constructor(
    readonly reason: CancelationReason,
    readonly message?: string,
    details: CancelDetails = NO_DETAILS,
  ) {
    this.cause = own(details, 'cause');
    this.requestedBy = own(details, 'requestedBy');
    this.abandoned = own(details, 'abandoned') ?? false;
    this.site = own(details, 'site');
    const origin = own(details, 'origin');
    this.origin = origin?.error();
    this.top = origin?.record?.top ?? this.origin;
  }

  isAfter(other: CancelRecord): boolean {
    return this.sequence > other.sequence;
  }

  get text(): string {
    return this.message ?? DEFAULT_MESSAGES[this.reason];
  }
}

/**
 * What a link hands over: our own errors keep their reason, message and requester, a
 * `TimeoutError` becomes `timeout`, any other reason `signal`.
 */
export function recordFromAbort(reason: unknown): CancelRecord {
  if (isCancelation(reason)) return recordFromError(reason);
  if (reason instanceof Error || isNamedError(reason)) {
    const { name, message } = reason as Error;
    return new CancelRecord(name === 'TimeoutError' ? 'timeout' : 'signal', message, {
      cause: reason,
    });
  }
  const message = reason == null ? undefined : describeValue(reason);
  return new CancelRecord('signal', message, { cause: reason });
}

/** A linked cancelation: same reason, the original as cause. */
export function recordFromError(error: CancelationError): CancelRecord {
  const requestedBy = ownValue(error, 'requestedBy') as string | undefined;
  return new CancelRecord(error.reason, error.message, { cause: error, requestedBy });
}

/** DOMExceptions of another realm are no `instanceof Error`. */
function isNamedError(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Error).name === 'string' &&
    typeof (value as Error).message === 'string'
  );
}

function describeValue(value: unknown): string {
  if (typeof value === 'string') return value;
  try {
    return typeof value === 'object' ? (JSON.stringify(value) ?? 'aborted') : String(value);
  } catch {
    return 'aborted';
  }
}
