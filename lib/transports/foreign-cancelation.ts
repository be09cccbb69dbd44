import { type CancelationError, isCancelation, setCause } from '../scope/cancelation-error.js';
import { rootCause } from '../operation/causes.js';
import type { OperationHost } from '../operation/operation-host.js';
import type { OperationState } from '../operation/operation-state.js';
import { isSharedOutcome } from '../operation/run.js';
import { SaidOnce } from '../scope/said-once.js';

/** Some transports show an error's message to the caller: it tells nothing of the other one. */
const MESSAGE = 'What the call waited for was canceled with another call';

const hints = new SaidOnce();

/**
 * A cancelation of another tree than the call's own is a failure like any other: the caller neither
 * left nor was out of time. It comes from work that a queue, a pool or a batcher began in the async
 * context of somebody else's call.
 *
 * @param ownTree the id of the outermost operation of the call's own tree, if there is one
 * @returns what the call failed with
 */
export function ownError(
  error: CancelationError,
  ownTree: string | undefined,
  host: OperationHost<OperationState>,
): Error {
  const tree = treeOf(error);
  if (tree === undefined || tree === ownTree || isSharedOutcome(error)) return error;
  const name = error.operationName ?? 'The work';
  const root = rootCause(error)?.operationName ?? name;
  if (hints.isFirst(host, root)) {
    host.log.warn(
      `${name} ran in the context of ${root}, which was canceled, and the call that waited for it failed. ` +
        'A queue, pool, limiter or batcher runs what it is given in the context of whoever let it go on: ' +
        `give it bind(fn), which keeps fn in the operation it was made in. (Said once for ${root}.)`,
      { name },
    );
  }
  return foreignFailure(error);
}

/** The failure of a call that waited for work which was canceled with another call. */
export function foreignFailure(error: CancelationError): Error {
  const failure = new Error(MESSAGE);
  setCause(failure, error);
  return failure;
}

/**
 * The id of the outermost operation above the one that was canceled; `undefined` for a token of its
 * own, which belongs to whoever uses it. A call that was refused never had a place in a tree: what
 * refused it did.
 */
function treeOf(error: CancelationError): string | undefined {
  const seen = new Set<unknown>();
  let link: unknown = error;
  while (isCancelation(link) && !seen.has(link)) {
    if (link.rootId !== undefined) return link.rootId;
    if (link.operationName === undefined) return undefined;
    seen.add(link);
    link = link.cause;
  }
  return undefined;
}
