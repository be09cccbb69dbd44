import type { OperationState } from '../core/operation-state.js';
import { type OperationTreeNode, snapshotOf } from '../core/snapshot.js';

type GrowingNode = Omit<OperationTreeNode, 'children'> & { children: OperationTreeNode[] };

/**
 * Nests operations below their parents. One whose parent is not among them is a root, and keeps
 * its `parentId`.
 *
 * @param states oldest first
 */
export function buildTree(states: readonly OperationState[]): OperationTreeNode[] {
  const nodes = new Map<OperationState, GrowingNode>();
  for (const state of states) nodes.set(state, { ...snapshotOf(state), children: [] });
  const roots: OperationTreeNode[] = [];
  for (const [state, node] of nodes) {
    const parent = state.parentOperation;
    const above = parent === undefined ? undefined : nodes.get(parent);
    if (above === undefined) roots.push(node);
    else above.children.push(node);
  }
  return roots;
}
