import type { OperationState } from '../operation/operation-state.js';
import { type OperationTreeNode, snapshotOf } from '../operation/snapshot.js';

/**
 * The deepest level of a tree. JSON cannot be written deeper: each level takes a piece of the
 * stack.
 */
const MOST_LEVELS = 500;

type GrowingNode = Omit<OperationTreeNode, 'children'> & { children: OperationTreeNode[] };

interface Place {
  readonly node: GrowingNode;
  /** 0: not placed yet. */
  level: number;
}

/**
 * Nests operations below their parents. One whose parent is not among them is a root, and keeps its
 * `parentId`; so is one at every 500th level.
 */
export function buildTree(states: readonly OperationState[]): OperationTreeNode[] {
  const places = new Map<OperationState, Place>();
  for (const state of states) {
    places.set(state, { node: { ...snapshotOf(state), children: [] }, level: 0 });
  }
  const roots: OperationTreeNode[] = [];
  const pending: OperationState[] = [];
  for (const state of states) {
    // A parent that was resumed may be listed after its children.
    for (
      let up: OperationState | undefined = state;
      isPending(up, places);
      up = up.parentOperation
    ) {
      pending.push(up);
    }
    while (pending.length > 0) {
      const next = pending.pop() as OperationState;
      const place = places.get(next) as Place;
      const parent = next.parentOperation;
      const above = parent === undefined ? undefined : places.get(parent);
      if (above === undefined || above.level === MOST_LEVELS) {
        place.level = 1;
        roots.push(place.node);
      } else {
        place.level = above.level + 1;
        above.node.children.push(place.node);
      }
    }
  }
  return roots;
}

function isPending(
  state: OperationState | undefined,
  places: ReadonlyMap<OperationState, Place>,
): state is OperationState {
  return state !== undefined && places.get(state)?.level === 0;
}
