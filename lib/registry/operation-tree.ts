import type { OperationState } from '../operation/operation-state.js';
import {
  type OperationSnapshot,
  type OperationTreeNode,
  snapshotOf,
} from '../operation/snapshot.js';
import { Turns } from '../scope/turns.js';

/**
 * The deepest level of a tree. JSON cannot be written deeper: each level takes a piece of the
 * stack.
 */
const MOST_LEVELS = 500;
/** Operations that are placed between two looks at the clock. */
const STEP = 100;

/** A node to which children are added. */
type Growing<Snapshot> = Snapshot & { children: Growing<Snapshot>[] };

interface Place<Key, Snapshot> {
  readonly node: Growing<Snapshot>;
  readonly parent: Key | undefined;
  /** 0: not placed yet; below that: about to be. */
  level: number;
}

/** Operations on their way to their places, by what their children know them by. */
class GrowingTree<Key, Snapshot> {
  readonly roots: Growing<Snapshot>[] = [];
  private readonly places = new Map<Key, Place<Key, Snapshot>>();

  add(key: Key, snapshot: Snapshot, parent: Key | undefined): void {
    this.places.set(key, { node: { ...snapshot, children: [] }, parent, level: 0 });
  }

  /** Places one, once all were added; what is above it first, which may have been added later. */
  place(key: Key): void {
    const pending: Place<Key, Snapshot>[] = [];
    for (let up = this.find(key); up?.level === 0; up = this.find(up.parent)) {
      up.level = -1;
      pending.push(up);
    }
    for (let place = pending.pop(); place !== undefined; place = pending.pop()) {
      const above = this.find(place.parent);
      const isBelow = above !== undefined && above.level > 0 && above.level < MOST_LEVELS;
      place.level = isBelow ? above.level + 1 : 1;
      (isBelow ? above.node.children : this.roots).push(place.node);
    }
  }

  private find(key: Key | undefined): Place<Key, Snapshot> | undefined {
    return key === undefined ? undefined : this.places.get(key);
  }
}

/**
 * Nests operations below their parents. One whose parent is not among them is a root, and keeps its
 * `parentId`; so is one at every 500th level.
 */
export function buildTree(states: readonly OperationState[]): OperationTreeNode[] {
  const tree = new GrowingTree<OperationState, OperationSnapshot>();
  for (const state of states) tree.add(state, snapshotOf(state), state.parentOperation);
  for (const state of states) tree.place(state);
  return tree.roots;
}

/** The same for operations that are plain data, without keeping the event loop long. */
export async function nestSnapshots<Snapshot extends OperationSnapshot>(
  snapshots: readonly Snapshot[],
): Promise<Growing<Snapshot>[]> {
  const tree = new GrowingTree<string, Snapshot>();
  const turns = new Turns(STEP);
  for (const snapshot of snapshots) {
    tree.add(snapshot.id, snapshot, snapshot.parentId);
    if (turns.isOver()) await turns.next();
  }
  for (const { id } of snapshots) {
    tree.place(id);
    if (turns.isOver()) await turns.next();
  }
  return tree.roots;
}
