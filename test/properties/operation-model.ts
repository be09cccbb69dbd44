/**
 * What the rules say about a tree of operations, in the simplest words: plain objects, no promises,
 * no clock. A world of real operations is compared with it after every step.
 */

export interface NodeSpec {
  /** Index of the node it is started in; -1: none. */
  readonly parent: number;
  readonly settle: 'race' | 'wait';
  readonly detached: boolean;
  /** Begun by its parent's body; otherwise by a step. */
  readonly early: boolean;
  /** Milliseconds. */
  readonly timeout: number | undefined;
  /** Its body stops waiting when it is canceled. */
  readonly cooperative: boolean;
  /** Its body waits for the children before it returns. */
  readonly joins: boolean;
  readonly cleanups: number;
  /** It follows a token that several share. */
  readonly shared: boolean;
}

export type Step =
  | { readonly kind: 'start' | 'cancel' | 'trigger' | 'openShield' | 'closeShield'; node: number }
  | { readonly kind: 'extend'; node: number; hundreds: number }
  | { readonly kind: 'advance'; hundreds: number }
  | { readonly kind: 'cancelShared' }
  /** The body ends; `before`: so many levels above, a cancel comes before the library has seen it. */
  | { readonly kind: 'finish'; node: number; succeeds: boolean; before: number | undefined };

export class ModelNode {
  started = false;
  /** A child that was asked for in a canceled scope: there is an error, and no operation. */
  refused = false;
  bodyRan = false;
  parent: ModelNode | undefined;
  readonly children: ModelNode[] = [];
  reason: string | undefined;
  /** Whose cancelation the error names as its cause. */
  origin: ModelNode | 'shared' | undefined;
  end: 'completed' | 'failed' | 'canceled' | undefined;
  caller: 'pending' | 'value' | 'error' | 'cancelation' = 'pending';
  returned = false;
  shields = 0;
  ownDeadline: number | undefined;
  gate: 'value' | 'error' | undefined;

  constructor(
    readonly index: number,
    readonly spec: NodeSpec,
  ) {}

  get isLive(): boolean {
    return this.started && this.end === undefined;
  }

  get status(): string {
    return this.end ?? (this.reason === undefined ? 'running' : 'canceling');
  }

  get deadline(): number | undefined {
    const above = this.parent?.deadline;
    if (above === undefined || this.ownDeadline === undefined) return above ?? this.ownDeadline;
    return Math.min(above, this.ownDeadline);
  }

  isBelow(other: ModelNode): boolean {
    for (let up = this.parent; up !== undefined; up = up.parent) if (up === other) return true;
    return false;
  }
}

export class Model {
  readonly nodes: ModelNode[];
  now = 0;
  sharedIsCanceled = false;
  /** What the present step cancels, in order. */
  canceledNow: ModelNode[] = [];
  private readonly inOrder: ModelNode[] = [];
  private readonly shields = new Map<ModelNode, ModelNode[]>();

  constructor(specs: readonly NodeSpec[]) {
    this.nodes = specs.map((spec, index) => new ModelNode(index, spec));
  }

  canStart(node: ModelNode): boolean {
    const above = this.nodes[node.spec.parent];
    return !node.started && !node.refused && (above === undefined || above.bodyRan);
  }

  start(node: ModelNode): void {
    const above = this.nodes[node.spec.parent];
    if (above !== undefined && !node.spec.detached) {
      if (above.isLive && above.reason !== undefined) {
        node.refused = true;
        node.caller = 'cancelation';
        node.reason = 'parent';
        node.origin = above;
        return;
      }
      // One that has ended, however it did, is no parent: the call is a new root.
      if (above.isLive) {
        node.parent = above;
        above.children.push(node);
      }
    }
    node.started = true;
    this.inOrder.push(node);
    if (node.spec.timeout !== undefined) node.ownDeadline = this.now + node.spec.timeout;
    if (node.spec.shared && this.sharedIsCanceled) {
      this.mark(node, 'manual', 'shared');
      this.release(node);
      return;
    }
    node.bodyRan = true;
    for (const child of this.nodes) {
      if (child.spec.parent === node.index && child.spec.early && this.canStart(child)) {
        this.start(child);
      }
    }
  }

  /** @returns what `cancel()` returns */
  cancel(node: ModelNode, reason: string, origin?: ModelNode | 'shared'): boolean {
    if (!node.isLive || node.reason !== undefined) return false;
    const reached = [node];
    this.mark(node, reason, origin);
    for (let index = 0; index < reached.length; index++) {
      const parent = reached[index];
      for (const child of parent!.children) {
        if (child.end !== undefined || child.reason !== undefined) continue;
        this.mark(child, 'parent', parent);
        reached.push(child);
      }
    }
    for (const each of reached) this.release(each);
    return true;
  }

  cancelShared(): void {
    this.sharedIsCanceled = true;
    for (const node of this.inOrder) if (node.spec.shared) this.cancel(node, 'manual', 'shared');
  }

  advance(milliseconds: number): void {
    this.now += milliseconds;
    for (;;) {
      const due = this.inOrder
        .filter((node) => node.isLive && node.reason === undefined)
        .filter(({ ownDeadline }) => ownDeadline !== undefined && ownDeadline <= this.now)
        .sort((a, b) => (a.ownDeadline as number) - (b.ownDeadline as number))[0];
      if (due === undefined) return;
      this.cancel(due, 'timeout');
    }
  }

  openShield(node: ModelNode): void {
    const held: ModelNode[] = [];
    for (let up: ModelNode | undefined = node; up !== undefined; up = up.parent) held.push(up);
    for (const each of held) each.shields++;
    this.shields.set(node, held);
  }

  hasShield(node: ModelNode): boolean {
    return this.shields.has(node);
  }

  closeShield(node: ModelNode): void {
    for (const each of this.shields.get(node) ?? []) {
      each.shields--;
      if (each.reason !== undefined) this.release(each);
    }
    this.shields.delete(node);
  }

  /** Everything that can settle does. */
  settle(): void {
    for (let changed = true; changed;) {
      changed = false;
      for (const node of this.inOrder) {
        if (node.end !== undefined) continue;
        const outcome = this.outcomeOf(node);
        if (outcome === undefined) continue;
        this.end(node, outcome);
        changed = true;
      }
    }
  }

  /** What the body gives by now. */
  private outcomeOf(node: ModelNode): 'value' | 'error' | 'own' | undefined {
    if (!node.bodyRan) return 'own';
    if (node.gate === undefined) {
      return node.reason !== undefined && node.spec.cooperative ? 'own' : undefined;
    }
    if (node.gate === 'error' || !node.spec.joins) return node.gate;
    return node.children.every(({ caller }) => caller !== 'pending') ? 'value' : undefined;
  }

  private end(node: ModelNode, outcome: 'value' | 'error' | 'own'): void {
    const waits = node.spec.settle === 'wait';
    if (node.reason === undefined) {
      node.end = outcome === 'value' ? 'completed' : 'failed';
      node.caller = outcome === 'value' ? 'value' : 'error';
    } else {
      node.end = outcome === 'error' && waits ? 'failed' : 'canceled';
      node.returned = outcome === 'value';
      if (node.caller === 'pending') {
        node.caller = waits && outcome !== 'own' ? outcome : 'cancelation';
      }
    }
    for (const child of node.children) {
      if (child.end === undefined && child.reason === undefined) {
        this.cancel(child, 'parent', node.reason === undefined ? undefined : node);
      }
      child.parent = undefined;
    }
    if (node.parent !== undefined) node.parent = undefined;
  }

  private mark(node: ModelNode, reason: string, origin: ModelNode | 'shared' | undefined): void {
    node.reason = reason;
    node.origin = origin;
    this.canceledNow.push(node);
  }

  private release(node: ModelNode): void {
    const goes = node.spec.settle === 'race' && node.shields === 0;
    if (goes && node.caller === 'pending') node.caller = 'cancelation';
  }
}
