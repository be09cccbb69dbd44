import { setImmediate } from 'node:timers/promises';
import type { OperationState } from '../operation/operation-state.js';
import {
  type OperationSnapshot,
  type OperationTreeNode,
  snapshotOf,
} from '../operation/snapshot.js';

/**
 * The deepest level of a tree. JSON cannot be written deeper: each level takes a piece of the
 * stack.
 */
const MOST_LEVELS = 500;
/** Operations that are placed before the event loop gets its turn. */
const STEP = 1_000;

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

/** A plain operation that is nested. */
interface Nested<Snapshot> {
  node: Snapshot & { children: Nested<Snapshot>['node'][] };
  level: number;
}

/** The same for operations that are plain data, without keeping the event loop long. */
export async function nestSnapshots<Snapshot extends OperationSnapshot>(
  snapshots: readonly Snapshot[],
): Promise<Nested<Snapshot>['node'][]> {
  const places = new Map<string, Nested<Snapshot>>();
  const roots: Nested<Snapshot>['node'][] = [];
  for (const [index, snapshot] of snapshots.entries()) {
    places.set(snapshot.id, { node: { ...snapshot, children: [] }, level: 0 });
    if (index % STEP === STEP - 1) await setImmediate();
  }
  let count = 0;
  for (const first of places.values()) {
    const pending: Nested<Snapshot>[] = [];
    for (let up: Nested<Snapshot> | undefined = first; up?.level === 0;) {
      up.level = -1;
      pending.push(up);
      up = places.get(up.node.parentId ?? '');
    }
    for (let place = pending.pop(); place !== undefined; place = pending.pop()) {
      const above = places.get(place.node.parentId ?? '');
      const isBelow = above !== undefined && above.level > 0 && above.level < MOST_LEVELS;
      place.level = isBelow ? above.level + 1 : 1;
      (isBelow ? above.node.children : roots).push(place.node);
    }
    if (++count % STEP === 0) await setImmediate();
  }
  return roots;
}
