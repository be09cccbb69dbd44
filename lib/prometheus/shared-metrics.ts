import type { Registry } from 'prom-client';
import type { OperationStore } from '../registry/operation-store.js';
import type { Ignores } from '../telemetry/ignored-operations.js';
import { MeasuredStores } from '../telemetry/measured-stores.js';
import { type Client, OperationMetrics } from './operation-metrics.js';

/** The metrics on one registry, of all applications that use it. */
interface Shared {
  readonly stores: MeasuredStores;
  readonly metrics: OperationMetrics;
}

const shared = new WeakMap<Registry, Map<string, Shared>>();

/**
 * Adds an application to the metrics that a registry has by this prefix, which are made for the
 * first and removed with the last.
 *
 * @throws Error when another metric has one of the names, or the application is there already
 */
export function shareMetrics(
  client: Client,
  register: Registry,
  prefix: string,
  store: OperationStore,
  ignores: Ignores,
): { readonly metrics: OperationMetrics; readonly leave: () => void } {
  let byPrefix = shared.get(register);
  if (byPrefix === undefined) shared.set(register, (byPrefix = new Map<string, Shared>()));
  let found = byPrefix.get(prefix);
  if (found === undefined) {
    const stores = new MeasuredStores();
    found = { stores, metrics: new OperationMetrics(client, register, prefix, stores) };
    byPrefix.set(prefix, found);
  } else {
    found.metrics.add();
  }
  const { stores, metrics } = found;
  if (stores.has(store)) {
    throw new Error(
      'prometheus() is there twice for one registry and prefix: each operation would be counted twice',
    );
  }
  stores.add(store, ignores);
  return {
    metrics,
    leave: () => {
      stores.remove(store);
      if (!stores.isEmpty) return;
      metrics.remove();
      byPrefix.delete(prefix);
    },
  };
}
