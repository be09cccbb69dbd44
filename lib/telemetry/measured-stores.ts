import type { OperationState } from '../operation/operation-state.js';
import { ALL } from '../registry/operation-filter.js';
import type { OperationStore } from '../registry/operation-store.js';
import { type Measured, measuredOf } from './measured.js';

type Ignores = (state: OperationState) => boolean;

/** How many operations of a name and kind there are. */
export interface MeasuredNumber extends Measured {
  number: number;
}

/** The applications of a process that are told of in the same metrics: their numbers are added. */
export class MeasuredStores {
  private readonly stores = new Map<OperationStore, Ignores>();
  /** Of applications that are gone: a counter never goes back. */
  private refusedBefore = 0;
  private readonly activeBefore = new Numbers();
  private readonly zombiesBefore = new Numbers();

  get isEmpty(): boolean {
    return this.stores.size === 0;
  }

  /** Whether an application is there already: a second time it would be counted twice. */
  has(store: OperationStore): boolean {
    return this.stores.has(store);
  }

  add(store: OperationStore, ignores: Ignores): void {
    this.stores.set(store, ignores);
  }

  remove(store: OperationStore): void {
    if (this.stores.delete(store)) this.refusedBefore += store.statistics.refused;
  }

  /** Somebody else is told from now on. */
  forgetNames(): void {
    this.activeBefore.forget();
    this.zombiesBefore.forget();
  }

  /** Looks at each live operation: this is for whoever collects metrics, every few seconds. */
  active(): Iterable<MeasuredNumber> {
    const numbers = this.activeBefore.begin();
    for (const [store, ignores] of this.stores) {
      for (const state of store.list(ALL)) {
        if (!ignores(state)) numbers.add(measuredOf(store, state));
      }
    }
    return numbers.all();
  }

  zombies(): Iterable<MeasuredNumber> {
    const numbers = this.zombiesBefore.begin();
    for (const [store, ignores] of this.stores) {
      if (store.statistics.zombies === 0) continue;
      for (const state of store.list(ALL)) {
        if (state.zombie && !ignores(state)) numbers.add(measuredOf(store, state));
      }
    }
    return numbers.all();
  }

  refused(): number {
    let sum = this.refusedBefore;
    for (const { statistics } of this.stores.keys()) sum += statistics.refused;
    return sum;
  }
}

/** Who has been told of a name may go on telling of it, unless it is said that there is none. */
class Numbers {
  private readonly byKind = new Map<string, Map<string, MeasuredNumber>>();

  /** From zero, for all names that were there before. */
  begin(): this {
    for (const known of this.all()) known.number = 0;
    return this;
  }

  add({ name, kind }: Measured): void {
    let byName = this.byKind.get(kind);
    if (byName === undefined) this.byKind.set(kind, (byName = new Map<string, MeasuredNumber>()));
    const known = byName.get(name);
    if (known === undefined) byName.set(name, { name, kind, number: 1 });
    else known.number++;
  }

  *all(): Generator<MeasuredNumber> {
    for (const byName of this.byKind.values()) yield* byName.values();
  }

  forget(): void {
    this.byKind.clear();
  }
}
