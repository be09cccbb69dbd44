import { readCancelOptions } from '../scope/cancel-options.js';
import type { CancelOptions } from '../scope/cancel-record.js';
import { CancelRecord } from '../scope/cancel-record.js';
import { currentScope } from '../scope/context.js';
import type { OperationState } from '../operation/operation-state.js';
import { cancelById } from './cancel-by-id.js';
import { ThreadOperation } from './thread-operation.js';

/**
 * Cancels any operation of the application by its id, from a worker thread as well as from the main
 * thread. In a thread, the cancel is sent at once, also if the code goes on without a pause; only
 * the answer takes a turn of the event loop.
 *
 * @param options.requestedBy default: the id of the current operation
 * @returns true if this call was the one that canceled it
 * @throws Error outside of an operation; TypeError when an option is not valid
 * @example
 * if (await cancelOperation(id, { message: 'better result found' })) …
 * @publicApi
 */
export async function cancelOperation(id: string, options: CancelOptions = {}): Promise<boolean> {
  const own = readCancelOptions(options, 'cancelOperation()');
  const state = currentScope()?.operation() as OperationState | undefined;
  if (state === undefined) {
    throw new Error(
      'cancelOperation() needs a current operation. Call it in work that an operation has started, or use registry.cancel(id).',
    );
  }
  const thread = ThreadOperation.above(state);
  if (thread !== undefined) return thread.cancel(id, own);
  const { reason = 'manual', message, cause, requestedBy = state.id } = own;
  return cancelById(state.host, id, new CancelRecord(reason, message, { cause, requestedBy }));
}
