import type { CancelationReason } from './cancelation-error.js';
import { type CancelationError, isCancelation } from './cancelation-error.js';
import type { CancelOrigin, CancelRecord } from './cancel-record.js';
import { causeChain } from './causes.js';
import { describeError } from './describe-error.js';
import { isoTime } from './plain-data.js';
import { ownValue } from './plain-object.js';

/**
 * One link of the chain that led to a cancelation: another cancelation, or an error of whoever asked.
 *
 * @publicApi
 */
export interface CauseSnapshot {
  /** Not of an error that is no cancelation. */
  readonly reason?: CancelationReason;
  readonly message: string;
  readonly operationId?: string;
  readonly operationName?: string;
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
export function causesOf(
  record: CancelRecord,
  failure: CancelationError | undefined,
): CauseSnapshot[] {
  const links: CauseSnapshot[] = [];
  let last = record;
  while (last.origin !== undefined) {
    const origin = links.length < MOST_SCOPES - 1 ? last.origin : (record.top ?? last.origin);
    last = origin.record as CancelRecord;
    links.push(linkOfOrigin(origin, last));
  }
  const below =
    last.cause ??
    (last === record && failure !== undefined ? ownValue(failure, 'cause') : undefined);
  let root: object | undefined;
  for (const link of causeChain(below)) {
    if (root !== undefined && links.length < MOST_LINKS - 1) links.push(linkOfError(root));
    root = link;
  }
  if (root !== undefined) links.push(linkOfError(root));
  else if (below !== undefined) links.push({ message: describeError(below) });
  return links;
}

function linkOfOrigin({ id, name }: CancelOrigin, record: CancelRecord): CauseSnapshot {
  const { reason, text, requestedBy, site, at } = record;
  return linkOf(reason, text, id, name, requestedBy, site?.(), at);
}

function linkOfError(error: object): CauseSnapshot {
  if (!isCancelation(error)) return { message: describeError(error) };
  const { reason, message, operationId, operationName } = error;
  const { requestedFrom, canceledAt } = error;
  return linkOf(
    reason,
    message,
    operationId,
    operationName,
    ownValue(error, 'requestedBy') as string | undefined,
    requestedFrom,
    canceledAt.getTime(),
  );
}

function linkOf(
  reason: CancelationReason,
  message: string,
  operationId: string | undefined,
  operationName: string | undefined,
  requestedBy: string | undefined,
  requestedFrom: string | undefined,
  at: number,
): CauseSnapshot {
  return {
    reason,
    message,
    ...(operationId === undefined ? undefined : { operationId }),
    ...(operationName === undefined ? undefined : { operationName }),
    ...(requestedBy === undefined ? undefined : { requestedBy }),
    ...(requestedFrom === undefined ? undefined : { requestedFrom }),
    at: isoTime(at),
  };
}
