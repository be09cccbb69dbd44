import type { OperationState } from '../operation/operation-state.js';
import { ALL } from '../registry/operation-filter.js';
import type { OperationStore } from '../registry/operation-store.js';

/** A number of each name of operations. */
export type NumberByName = ReadonlyMap<string, number>;

/** The applications of a process that are told of in the same metrics: their numbers are added. */
export class MeasuredStores {
  private readonly stores = new Set<OperationStore>();
  /** Of applications that are gone: a counter never goes back. */
  private refusedBefore = 0;
  /** Who has been told of a name may go on telling of it, unless it is said that there is none. */
  private readonly activeNames = new Set<string>();
  private readonly zombieNames = new Set<string>();

  get isEmpty(): boolean {
    return this.stores.size === 0;
  }

  add(store: OperationStore): void {
    this.stores.add(store);
  }

  remove(store: OperationStore): void {
    if (this.stores.delete(store)) this.refusedBefore += store.statistics.refused;
  }

  /** Somebody else is told from now on. */
  forgetNames(): void {
    this.activeNames.clear();
    this.zombieNames.clear();
  }

  active(): NumberByName {
    const sums = zeros(this.activeNames);
    for (const { statistics } of this.stores) {
      for (const [name, live] of statistics.live()) add(sums, name, live);
    }
    return keeping(this.activeNames, sums);
  }

  zombies(): NumberByName {
    const sums = zeros(this.zombieNames);
    for (const store of this.stores) {
      if (store.statistics.zombies === 0) continue;
      for (const state of store.list(ALL)) if (state.zombie) add(sums, nameOf(store, state), 1);
    }
    return keeping(this.zombieNames, sums);
  }

  refused(): number {
    let sum = this.refusedBefore;
    for (const { statistics } of this.stores) sum += statistics.refused;
    return sum;
  }
}

function nameOf({ statistics }: OperationStore, { plan }: OperationState): string {
  return statistics.labelOf(plan);
}

function zeros(names: Iterable<string>): Map<string, number> {
  const sums = new Map<string, number>();
  for (const name of names) sums.set(name, 0);
  return sums;
}

function add(sums: Map<string, number>, name: string, number: number): void {
  sums.set(name, (sums.get(name) ?? 0) + number);
}

function keeping(names: Set<string>, sums: NumberByName): NumberByName {
  for (const name of sums.keys()) names.add(name);
  return sums;
}
