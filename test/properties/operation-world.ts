import { AsyncLocalStorage } from 'node:async_hooks';
import {
  CancelationToken,
  type CancelationSource,
  currentToken,
  type Operation,
  OperationRegistry,
} from 'nestjs-cancelable';
import { type Deferred, deferred } from '../support/deferred.js';
import type { NodeSpec } from './operation-model.js';

/** One operation that really runs, with everything about it that can be seen from outside. */
export class WorldNode {
  operation: Operation | undefined;
  bodyRan = false;
  /** Calls of the caller's two handlers. */
  releases = 0;
  caller: 'pending' | 'value' | 'error' = 'pending';
  outcome: any;
  settledCalls = 0;
  readonly cleanups: number[] = [];
  readonly gate: Deferred<void> = deferred();
  readonly failure: Error;
  readonly children: Promise<unknown>[] = [];
  trigger: () => void = () => {};
  sourceStops = 0;
  shield: Deferred<void> | undefined;
  inContext: (<Result>(fn: () => Result) => Result) | undefined;

  constructor(
    readonly index: number,
    readonly spec: NodeSpec,
  ) {
    this.failure = new Error(`failure of ${index}`);
  }
}

export class World {
  readonly registry = new OperationRegistry({
    logger: { debug() {}, warn() {}, error: (message) => void this.problems.push(message) },
  });
  readonly shared = new CancelationToken();
  readonly nodes: WorldNode[];
  /** What the present step's cancel reached, in the order in which listeners heard of it. */
  heard: number[] = [];
  /** What must never happen, in words. */
  readonly problems: string[] = [];

  constructor(specs: readonly NodeSpec[]) {
    this.nodes = specs.map((spec, index) => new WorldNode(index, spec));
  }

  start(node: WorldNode): void {
    const above = this.nodes[node.spec.parent];
    if (above?.inContext === undefined) this.begin(node);
    else above.inContext(() => this.begin(node));
  }

  openShield(node: WorldNode): void {
    const shield = (node.shield = deferred());
    void node.operation?.shield(async () => {
      const token = currentToken();
      await shield.promise;
      if (token.isCanceled) this.problems.push(`the shield of ${node.index} saw the cancel`);
    });
  }

  closeShield(node: WorldNode): void {
    node.shield?.resolve();
    node.shield = undefined;
  }

  finish(node: WorldNode, succeeds: boolean): void {
    if (succeeds) node.gate.resolve();
    else node.gate.reject(node.failure);
  }

  private begin(node: WorldNode): void {
    const { spec } = node;
    const source: CancelationSource = {
      name: `source ${node.index}`,
      start: (trigger, operation) => {
        node.operation = operation;
        node.trigger = trigger;
        return () => void node.sourceStops++;
      },
    };
    const call = this.registry.run(
      {
        name: `n${node.index}`,
        settle: spec.settle,
        detached: spec.detached,
        ...(spec.timeout === undefined ? undefined : { timeout: spec.timeout }),
        sources: [source, ...(spec.shared ? [this.shared] : [])],
        on: { settled: () => void node.settledCalls++ },
      },
      (operation) => this.body(node, operation),
    );
    if (!spec.detached) this.nodes[spec.parent]?.children.push(call);
    const released = (caller: 'value' | 'error') => (outcome: unknown) => {
      node.releases++;
      node.caller = caller;
      node.outcome = outcome;
      this.checkBelow(node);
    };
    call.then(released('value'), released('error'));
  }

  private async body(node: WorldNode, operation: Operation): Promise<number> {
    const { spec, index } = node;
    node.bodyRan = true;
    node.inContext = AsyncLocalStorage.snapshot();
    operation.onCancel(() => {
      this.heard.push(index);
      if (!operation.token.isCanceled) this.problems.push(`${index} was told too early`);
      if (currentToken().isCanceled) this.problems.push(`a listener of ${index} is canceled`);
    });
    for (let cleanup = 0; cleanup < spec.cleanups; cleanup++) {
      operation.defer(async () => {
        if (currentToken().isCanceled) this.problems.push(`a cleanup of ${index} is canceled`);
        await Promise.resolve();
        node.cleanups.push(cleanup);
      });
    }
    for (const child of this.nodes) {
      if (child.spec.parent === index && child.spec.early) this.begin(child);
    }
    const { promise } = node.gate;
    promise.catch(() => {});
    await (spec.cooperative ? operation.token.race(promise) : promise);
    if (spec.joins) {
      for (let known = -1; known < node.children.length;) {
        known = node.children.length;
        await Promise.allSettled(node.children);
      }
    }
    return index;
  }

  /** A caller is let go: what was begun below it has been canceled, or is over. */
  private checkBelow(node: WorldNode): void {
    for (const child of this.nodes) {
      if (child.spec.parent !== node.index || child.spec.detached) continue;
      const { operation } = child;
      if (operation === undefined || operation.parent !== node.operation) continue;
      if (operation.status === 'running') {
        this.problems.push(`${node.index} was let go while ${child.index} was running`);
      }
    }
  }
}
