import { currentScope } from '../scope/context.js';
import type { OperationState } from '../operation/operation-state.js';

/** The operation that calls, and everything above it: it cannot be waited for from here. */
export function ownChain(): Set<OperationState> {
  const chain = new Set<OperationState>();
  let state = currentScope()?.operation() as OperationState | undefined;
  for (; state !== undefined; state = state.parentOperation) chain.add(state);
  return chain;
}
