import { OperationState } from './operation-state.js';
import type { Scope } from '../scope/scope.js';

/**
 * The live operations directly below one, oldest first: those begun in its shields and cleanups,
 * too.
 */
export function liveChildren(state: OperationState): OperationState[] {
  const children = childrenOf(state);
  for (const scope of state.protectedScopes()) children.push(...childrenOf(scope));
  return children.reverse().sort((one, other) => one.startedAt - other.startedAt);
}

/** Newest first. */
function childrenOf(scope: Scope): OperationState[] {
  const children: OperationState[] = [];
  for (let child = scope.firstChild; child !== undefined; child = child.nextSibling) {
    if (child instanceof OperationState) children.push(child);
  }
  return children;
}
