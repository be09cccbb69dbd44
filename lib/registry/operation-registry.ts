import type { Observable } from 'rxjs';
import { clusterLinkOf } from './cluster-node.js';
import { ClusterRegistry } from './cluster-registry.js';
import { OperationStore } from './operation-store.js';
import type { OperationEvent } from './operation-events.js';
import { compileFilter, type OperationFilter } from './operation-filter.js';
import { type OperationRegistryOptions, readRegistryOptions } from './registry-options.js';
import { ScopedRegistry } from './scoped-registry.js';
import type { OperationStatistics } from './statistics.js';

/**
 * All operations of one application: begins, finds, watches and cancels them. Injectable wherever
 * `CancelableModule` is imported; `new OperationRegistry()` in tests and scripts.
 *
 * @example
 * constructor(private readonly operations: OperationRegistry) {}
 *
 * stop(user: User) {
 *   return this.operations.cancelAll({ metadata: { owner: user.id } }, { requestedBy: user.id });
 * }
 * @publicApi
 */
export class OperationRegistry extends ScopedRegistry {
  readonly #live: OperationStore;
  #cluster: ClusterRegistry | undefined = undefined;

  /** @throws TypeError when an option is not valid */
  constructor(options?: OperationRegistryOptions);
  /** @internal */
  constructor(store: OperationStore);
  constructor(given: OperationRegistryOptions | OperationStore = {}) {
    const live =
      given instanceof OperationStore
        ? given
        : new OperationStore(readRegistryOptions(given, 'new OperationRegistry()'));
    super(live, undefined);
    this.#live = live;
  }

  /** @internal */
  static over(live: OperationStore): OperationRegistry {
    return new OperationRegistry(live);
  }

  /**
   * The operations of all instances of the service, for `CancelableModule.forRoot({ cluster })`;
   * otherwise of this one.
   */
  get cluster(): ClusterRegistry {
    return (this.#cluster ??= new ClusterRegistry(() => clusterLinkOf(this.#live)));
  }

  /** Everything that happens. A subscriber that throws is logged and changes nothing. */
  get events$(): Observable<OperationEvent> {
    return this.#live.events.stream$;
  }

  /** Forgets ended operations. @returns how many */
  clearHistory(filter?: OperationFilter): number {
    return this.#live.history.clear(compileFilter(filter, 'clearHistory()'));
  }

  /** Whether the application shuts down: it takes no new work, or none after `shutdown.delay`. */
  get draining(): boolean {
    return this.#live.phase !== 'open';
  }

  /** Numbers since its start: what is live, outcomes, durations, zombies, what was refused. */
  statistics(): OperationStatistics {
    return this.#live.readStatistics();
  }
}
