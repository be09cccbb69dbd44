import type { OperationCounters } from '../operation/operation-plan.js';
import type { OperationState } from '../operation/operation-state.js';
import { ALL } from '../registry/operation-filter.js';
import type { OperationMoment } from '../registry/operation-events.js';
import type { OperationStore } from '../registry/operation-store.js';
import { undoing } from '../scope/shared-method.js';
import type { Ignores } from './ignored-operations.js';

/** How many operations of a name and kind are ignored. */
interface Ignored {
  live: number;
  zombies: number;
}

const NONE: Readonly<Ignored> = { live: 0, zombies: 0 };

/**
 * How many of the live operations of an application are ignored. It looks at each of them once, when
 * it is made, and hears of all others: a scrape must not take longer the more are live.
 */
export class IgnoredNumbers {
  private readonly byCounters = new Map<OperationCounters, Ignored>();
  readonly stop: () => void;

  constructor(
    store: OperationStore,
    private readonly ignores: Ignores,
  ) {
    for (const state of store.list(ALL)) this.add(state, 1, state.zombie ? 1 : 0);
    const on = (type: OperationMoment, tell: (state: OperationState) => void) =>
      store.events.observe(type, tell);
    this.stop = undoing([
      on('started', (state) => this.add(state, 1, 0)),
      on('resumed', (state) => this.add(state, 1, 0)),
      on('suspended', (state) => this.add(state, -1, 0)),
      on('zombie', (state) => this.add(state, 0, 1)),
      on('settled', (state) => this.add(state, -1, state.zombie ? -1 : 0)),
    ]);
  }

  of(counters: OperationCounters): Readonly<Ignored> {
    return this.byCounters.get(counters) ?? NONE;
  }

  private add(state: OperationState, live: number, zombies: number): void {
    if (!this.ignores(state)) return;
    const { counters } = state.plan;
    const known = this.byCounters.get(counters);
    if (known === undefined) {
      this.byCounters.set(counters, { live, zombies });
    } else {
      known.live += live;
      known.zombies += zombies;
    }
  }
}
