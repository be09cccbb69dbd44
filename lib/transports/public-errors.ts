import {
  type CancelationError,
  type CancelationReason,
  isCancelation,
} from '../scope/cancelation-error.js';
import { rootCause } from '../operation/causes.js';
import {
  ClusterIncomplete,
  ClusterUnavailable,
  OperationConflict,
  OperationLimit,
  OperationNotFound,
  OperationRefused,
  OutcomeSeen,
} from '../operation/operation-errors.js';
import { publicCode } from '../operation/public-view.js';

/** The part of an error of ours that a caller is told: nothing of what happened inside. */
export interface PublicError {
  readonly message: string;
  /** `OPERATION_TIMEOUT`. */
  readonly code: string;
  /** As HTTP has it. */
  readonly status: number;
}

/**
 * Timeout and lost parents of it answer 504, a client that left 499 (nginx), the rest 503 or 409.
 */
export const STATUS_CODES: Readonly<Record<CancelationReason, number>> = {
  timeout: 504,
  disconnect: 499,
  superseded: 409,
  manual: 503,
  condition: 503,
  signal: 503,
  shutdown: 503,
  parent: 503,
};

/** Fixed per reason: what really happened stays inside. */
export const PUBLIC_MESSAGES: Readonly<Record<CancelationReason, string>> = {
  timeout: 'The operation timed out',
  disconnect: 'The client closed the request',
  superseded: 'The operation was superseded by a newer request',
  manual: 'The operation was canceled',
  condition: 'The operation was canceled',
  signal: 'The operation was canceled',
  shutdown: 'The server is shutting down',
  parent: 'The operation was canceled',
};

const KNOWN_ERRORS = [
  [OperationConflict, 409, 'OPERATION_CONFLICT', 'The operation is already running'],
  [OperationLimit, 503, 'OPERATION_LIMIT', 'The server is busy'],
  [ClusterIncomplete, 503, 'CLUSTER_INCOMPLETE', 'Not all instances have answered'],
  [OperationRefused, 503, 'OPERATION_REFUSED', 'The server is shutting down'],
  [ClusterUnavailable, 503, 'CLUSTER_UNAVAILABLE', 'The operation cannot begin at the moment'],
  [OutcomeSeen, 204, 'OPERATION_SETTLED', 'The operation has ended'],
  [OperationNotFound, 404, 'OPERATION_NOT_FOUND', 'No such operation'],
] as const;

/** The reason that a caller is told: for `parent`, that of its root cause. */
export function publicReason(error: CancelationError): CancelationReason {
  return error.reason === 'parent' ? (rootCause(error)?.reason ?? 'parent') : error.reason;
}

/** Reads what a caller is told of an error of ours; `undefined` for any other error. */
export function publicErrorOf(error: unknown): PublicError | undefined {
  if (isCancelation(error)) {
    const reason = publicReason(error);
    return {
      message: PUBLIC_MESSAGES[reason],
      code: publicCode(reason),
      status: STATUS_CODES[reason],
    };
  }
  const known = KNOWN_ERRORS.find(([type]) => error instanceof type);
  return known && { status: known[1], code: known[2], message: known[3] };
}
