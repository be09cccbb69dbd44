import { cancelScope } from '../scope/cancel.js';
import { type CancelOptions, CancelRecord } from '../scope/cancel-record.js';
import type { OperationHost } from '../operation/operation-host.js';
import type { OperationState } from '../operation/operation-state.js';
import type { CarriedCancel } from './wire.js';
import { errorFromWire, errorToWire } from './wire-errors.js';

export function cancelById(
  host: OperationHost<OperationState>,
  id: string,
  record: CancelRecord,
): boolean {
  const state = host.get(id);
  return state !== undefined && cancelScope(state, record);
}

/** A cancel as data. @param requestedBy unless the options say */
export function carry(options: CancelOptions, requestedBy: string): CarriedCancel {
  const { reason, message, cause } = options;
  return {
    reason,
    message,
    cause: cause === undefined ? undefined : errorToWire(cause),
    requestedBy: options.requestedBy ?? requestedBy,
  };
}

export function recordOf({ reason, message, cause, requestedBy }: CarriedCancel): CancelRecord {
  return new CancelRecord(reason ?? 'manual', message, {
    cause: cause === undefined ? undefined : errorFromWire(cause),
    requestedBy,
  });
}
