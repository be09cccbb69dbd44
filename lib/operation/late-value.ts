import { closeValue } from '../scope/close-value.js';
import type { OperationState } from './operation-state.js';

/** Closes what an operation gave when nobody waited for it any more. */
export function closeLateValue(state: OperationState, value: unknown): void {
  closeValue(value, (error) => state.logFailure('Closing the late result', error));
}
