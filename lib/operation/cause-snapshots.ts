import type { CancelationReason } from '../scope/cancelation-error.js';
import { type CancelationError, isCancelation } from '../scope/cancelation-error.js';
import type { CancelRecord } from '../scope/cancel-record.js';
import { causeChain } from './causes.js';
import { describeError } from '../scope/describe-error.js';
import { isoTime } from '../scope/plain-data.js';
import { ownValue } from '../scope/plain-object.js';

/**
 * One link of the chain that led to a cancelation: another cancelation, or an error of whoever
 * asked.
 *
 * @publicApi
 */
export interface CauseSnapshot {
  /** Not of an error that is no cancelation. */
  readonly reason?: CancelationReason;
  /** What was said of the cancel. */
  readonly message: string;
  /** The operation that was canceled. */
  readonly operationId?: string;
  /** Its name. */
  readonly operationName?: string;
  /** Who asked. */
  readonly requestedBy?: string;
  /** Where in the code it was asked for. */
  readonly requestedFrom?: string;
  /** ISO 8601. */
  readonly at?: string;
}

/** A chain may be thousands of links long: the nearest are kept, and the roots. */
const MOST_LINKS = 10;
/** So many of the operations above, with the topmost. */
const MOST_SCOPES = 9;

/**
 * What led to a cancel, from what is nearest to the root.
 *
 * @param failure the error of the cancel, if it was made: may have found its cause later
 */
export function causesOf(record: CancelRecord, failure?: CancelationError): CauseSnapshot[] {
  const links: CauseSnapshot[] = [];
  let below = record.cause ?? (failure && ownValue(failure, 'cause'));
  for (let scope = record.origin; scope !== undefined;) {
    links.push(linkOfError(scope));
    below = ownValue(scope, 'cause');
    if (scope === record.top) break;
    scope = links.length < MOST_SCOPES - 1 && isCancelation(below) ? below : record.top;
  }
  let root: object | undefined;
  for (const link of causeChain(below)) {
    if (root !== undefined && links.length < MOST_LINKS - 1) links.push(linkOfError(root));
    root = link;
  }
  if (root !== undefined) links.push(linkOfError(root));
  else if (below !== undefined) links.push({ message: describeError(below) });
  return links;
}

function linkOfError(error: object): CauseSnapshot {
  if (!isCancelation(error)) return { message: describeError(error) };
  const { reason, message, operationId, operationName } = error;
  const { requestedFrom, canceledAt } = error;
  const requestedBy = ownValue(error, 'requestedBy') as string | undefined;
  return {
    reason,
    message,
    ...(operationId === undefined ? undefined : { operationId }),
    ...(operationName === undefined ? undefined : { operationName }),
    ...(requestedBy === undefined ? undefined : { requestedBy }),
    ...(requestedFrom === undefined ? undefined : { requestedFrom }),
    at: isoTime(canceledAt.getTime()),
  };
}
