import { isCancelation } from '../core/cancelation-error.js';
import {
  OperationConflict,
  OperationLimit,
  OperationNotFound,
  OperationRefused,
} from '../core/operation-errors.js';
import { PUBLIC_MESSAGES } from './http/http-options.js';
import { publicCode, publicReason } from './http/operation-canceled.exception.js';

export interface PublicError {
  readonly message: string;
  readonly code: string;
}

const KNOWN_ERRORS = [
  [OperationConflict, 'OPERATION_CONFLICT', 'The operation is already running'],
  [OperationLimit, 'OPERATION_LIMIT', 'The server is busy'],
  [OperationRefused, 'OPERATION_REFUSED', 'The server is shutting down'],
  [OperationNotFound, 'OPERATION_NOT_FOUND', 'No such operation'],
] as const;

/** What a caller is told of an error of ours; `undefined` for anybody else's. */
export function publicErrorOf(error: unknown): PublicError | undefined {
  if (isCancelation(error)) {
    const reason = publicReason(error);
    return { message: PUBLIC_MESSAGES[reason], code: publicCode(reason) };
  }
  const known = KNOWN_ERRORS.find(([type]) => error instanceof type);
  return known && { code: known[1], message: known[2] };
}
