import { randomUUID } from 'node:crypto';
import {
  type CancelableModuleOptions,
  type ClusterLeases,
  localBus,
  OperationRegistry,
} from 'nestjs-cancelable';
import { ClusterKeys } from '../../lib/cluster/cluster-keys.js';
import { ScopedRegistry } from '../../lib/registry/scoped-registry.js';
import type { Deferred } from '../support/deferred.js';
import { MemoryLog } from '../support/memory-log.js';

/** A lease that no test outlives. */
export const LONG = 60_000;
/** Renewed every 10 ms. */
export const SHORT = 30;

export interface Instance {
  readonly registry: OperationRegistry;
  readonly log: MemoryLog;
  readonly keys: ClusterKeys;
}

/** Leases in memory that end, fail and wait as a test wants. */
export class ScriptedLeases implements ClusterLeases {
  readonly holders = new Map<string, string>();
  readonly asked: string[] = [];
  /** What the server answers with, while it is out of reach. */
  failure: Error | undefined = undefined;
  /** Answers wait for it. */
  gate: Deferred<void> | undefined = undefined;

  async acquire(key: string, holder: string, _time: number, force = false) {
    this.asked.push(force ? 'force' : 'acquire');
    await this.answer();
    const other = this.holders.get(key);
    if (other === undefined || other === holder || force) this.holders.set(key, holder);
    return other === holder ? undefined : other;
  }

  async release(key: string, holder: string): Promise<void> {
    this.asked.push('release');
    await this.answer();
    if (this.holders.get(key) === holder) this.holders.delete(key);
  }

  private async answer(): Promise<void> {
    await this.gate?.promise;
    if (this.failure !== undefined) throw this.failure;
  }

  /** The time of all leases is over. */
  expire(): void {
    this.holders.clear();
  }
}

/** Instances of one service, whose cancels reach each other. */
export class ExclusiveCluster {
  readonly instances: Instance[] = [];
  private readonly service = randomUUID();

  constructor(
    private readonly leases: ClusterLeases = localBus().leases as ClusterLeases,
    private readonly lease = LONG,
  ) {}

  /** An instance with a registry of its own. */
  start(name = `reports-${this.instances.length + 1}`): Instance {
    const log = new MemoryLog();
    return this.connect(new OperationRegistry({ logger: log }), name, log);
  }

  private connect(registry: OperationRegistry, instance: string, log: MemoryLog): Instance {
    const { service, leases, lease } = this;
    const keys = new ClusterKeys({
      leases,
      service,
      instance,
      lease,
      log,
      cancel: (id, record) =>
        setImmediate(() => {
          for (const each of this.instances) each.registry.cancel(id, record);
        }),
    });
    ScopedRegistry.liveOf(registry).clusterKeys = keys;
    const added = { registry, log, keys };
    this.instances.push(added);
    return added;
  }
}

/** The module's options of an application, for as many as are started of it. */
export function clusterOptions(leases?: ClusterLeases) {
  const service = randomUUID();
  return (instance: string): CancelableModuleOptions => {
    const bus = localBus();
    return { cluster: { bus: leases ? Object.assign(bus, { leases }) : bus, service, instance } };
  };
}

/** The keys of an application. */
export function keysOf(registry: OperationRegistry): ClusterKeys {
  return ScopedRegistry.liveOf(registry).clusterKeys as ClusterKeys;
}
