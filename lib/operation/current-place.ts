import { currentCell } from '../scope/context.js';
import type { OperationState } from './operation-state.js';
import { ProtectedScope } from '../scope/protected-scope.js';

/**
 * Where code that acts on an operation stands: in a shield or a cleanup of it, whose token it then
 * follows, or in the operation itself.
 */
export function placeIn(state: OperationState): OperationState | ProtectedScope {
  const scope = currentCell()?.scope;
  return scope instanceof ProtectedScope && scope.owner === state ? scope : state;
}
