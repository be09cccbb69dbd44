import type { OperationStore } from '../registry/operation-store.js';
import { IgnoredNumbers } from './ignored-numbers.js';
import { type Ignores, ignoresNothing } from './ignored-operations.js';
import type { Measured } from './measured.js';

/** How many operations of a name and kind there are. */
export interface MeasuredNumber extends Measured {
  number: number;
}

/** The applications of a process that are told of in the same metrics: their numbers are added. */
export class MeasuredStores {
  private readonly stores = new Map<OperationStore, MeasuredStore>();
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
    this.stores.set(store, new MeasuredStore(store, ignores));
  }

  remove(store: OperationStore): void {
    this.stores.get(store)?.end();
    if (this.stores.delete(store)) this.refusedBefore += store.statistics.refused;
  }

  /** Somebody else is told from now on. */
  forgetNames(): void {
    this.activeBefore.forget();
    this.zombiesBefore.forget();
  }

  active(): Iterable<MeasuredNumber> {
    const numbers = this.activeBefore.begin();
    for (const store of this.stores.values()) store.addTo(numbers, 'live');
    return numbers.all();
  }

  zombies(): Iterable<MeasuredNumber> {
    const numbers = this.zombiesBefore.begin();
    for (const store of this.stores.values()) store.addTo(numbers, 'zombies');
    return numbers.all();
  }

  refused(): number {
    let sum = this.refusedBefore;
    for (const { statistics } of this.stores.keys()) sum += statistics.refused;
    return sum;
  }
}

/** One application: its own counters, without what is ignored. */
class MeasuredStore {
  private ignored: IgnoredNumbers | undefined = undefined;

  constructor(
    private readonly store: OperationStore,
    private readonly ignores: Ignores,
  ) {}

  addTo(numbers: Numbers, which: 'live' | 'zombies'): void {
    const { store, ignores } = this;
    if (ignores !== ignoresNothing) this.ignored ??= new IgnoredNumbers(store, ignores);
    for (const counters of store.statistics.allCounters()) {
      numbers.add(counters, counters[which] - (this.ignored?.of(counters)[which] ?? 0));
    }
  }

  end(): void {
    this.ignored?.stop();
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

  add({ name, kind }: Measured, number: number): void {
    if (number === 0) return;
    let byName = this.byKind.get(kind);
    if (byName === undefined) this.byKind.set(kind, (byName = new Map<string, MeasuredNumber>()));
    const known = byName.get(name);
    if (known === undefined) byName.set(name, { name, kind, number });
    else known.number += number;
  }

  *all(): Generator<MeasuredNumber> {
    for (const byName of this.byKind.values()) yield* byName.values();
  }

  forget(): void {
    this.byKind.clear();
  }
}
