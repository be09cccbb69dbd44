import { compileHooks } from '../scope/stack-room.js';
import type { CancelRecord } from '../scope/cancel-record.js';
import { describeChain } from '../operation/causes.js';
import { quote } from '../scope/describe-value.js';
import { ExclusiveKeys } from '../operation/exclusive.js';
import {
  OperationConflict,
  OperationLimit,
  OperationRefused,
} from '../operation/operation-errors.js';
import type {
  ClusterKeysPort,
  OperationHost,
  OperationOrigin,
} from '../operation/operation-host.js';
import type { SubjectLog } from '../operation/operation-log.js';
import type { Operation } from '../operation/operation.js';
import type { OperationKind } from '../operation/operation-options.js';
import type { OperationCounters, OperationPlan } from '../operation/operation-plan.js';
import type { TreeCount } from '../operation/operation-parts.js';
import type { OperationState } from '../operation/operation-state.js';
import { whenSettled } from '../operation/when-settled.js';
import { History } from './history.js';
import { LiveList } from './live-list.js';
import { OperationEvents } from './operation-events.js';
import type { Matcher } from './operation-filter.js';
import { OperationIds } from './operation-ids.js';
import { PendingFinders } from './pending-work.js';
import type { RegistrySettings } from './registry-options.js';
import { type AllSamples, type OperationStatistics, Statistics } from './statistics.js';
import { ZombieLog } from './zombie-log.js';

/** The kinds that code inside of the application begins by itself, without a call from outside. */
const INNER_KINDS: ReadonlySet<OperationKind> = new Set(['method', 'task', 'cqrs', 'event']);

/**
 * Taking everything, the same although the end is near, letting what runs finish, done with that,
 * or closed as a whole, to be opened anew perhaps.
 */
export type LivePhase = 'open' | 'leaving' | 'draining' | 'drained' | 'closed';

/**
 * The operations of one application: who is live, who was, how it went. Methods and transports use
 * it directly, so that the public registry can be replaced in tests.
 */
export class OperationStore implements OperationHost<OperationState> {
  readonly zombieAfter: number;
  readonly log: SubjectLog;
  readonly cleanupLimit: number;
  readonly maxTimeout: number;
  readonly exclusives = new ExclusiveKeys();
  readonly ids = new OperationIds();
  readonly history: History;
  readonly events: OperationEvents;
  readonly pending = new PendingFinders();
  phase: LivePhase = 'open';
  readonly maxLive: number;
  private readonly maxChildren: number;
  readonly statistics: Statistics;
  private readonly byId = new Map<string, OperationState>();
  private readonly live = new LiveList();
  readonly zombieLog: ZombieLog;

  constructor(settings: RegistrySettings) {
    this.zombieAfter = settings.zombieAfter;
    this.cleanupLimit = settings.cleanupLimit;
    this.maxTimeout = settings.maxTimeout;
    this.maxLive = settings.maxLive;
    this.maxChildren = settings.maxChildren;
    this.log = settings.log;
    this.zombieLog = new ZombieLog(settings.log, settings.zombieAfter);
    this.history = new History(settings.historyLimit, settings.historyMaxAge);
    this.events = new OperationEvents(settings.log);
    this.statistics = new Statistics(settings.log);
    compileHooks();
  }

  /** A caller has said how long it waits, and made no sense. */
  deadlineIgnored(): void {
    this.statistics.ignoredDeadlines++;
  }

  /** New calls are refused. */
  get isRefusing(): boolean {
    return this.phase !== 'open' && this.phase !== 'leaving';
  }

  get size(): number {
    return this.live.size;
  }

  /** Set by the application, before it looks at decorated methods, if its bus has leases. */
  clusterKeys: ClusterKeysPort<OperationState> | undefined = undefined;

  /** How sources reach providers; set by the application. */
  injector: ((token: unknown) => unknown) | undefined = undefined;

  inject(tokens: readonly unknown[], where: string): unknown[] {
    if (tokens.length === 0) return [];
    const { injector } = this;
    if (injector === undefined) {
      throw new TypeError(
        `The source ${where} injects providers, and there is no application here`,
      );
    }
    return tokens.map((token) => injector(token));
  }

  createId(): string {
    return this.ids.create();
  }

  countersOf(name: string, kind: OperationKind, isDeclared = false): OperationCounters {
    return this.statistics.countersOf(name, kind, isDeclared);
  }

  admit(
    plan: OperationPlan,
    id: string | undefined,
    origin: OperationOrigin,
    tree?: TreeCount,
  ): void {
    if (id !== undefined && this.byId.has(id)) {
      throw new OperationConflict(`An operation with the id ${quote(id)} is live already`);
    }
    if (tree !== undefined && tree.live > this.maxChildren) {
      this.statistics.refused++;
      throw new OperationLimit(
        `${plan.name} was not begun: ${tree.live - 1} operations are live below ${tree.root}, and maxChildren is ${this.maxChildren}. ` +
          'Begin fewer at a time, in batches or with a limiter.',
      );
    }
    if (origin === 'inside') return;
    // Running work may finish, and with it what it hands on.
    const isNew = this.isRefusing && origin === 'outside';
    if (isNew && !this.isWelcome(plan)) throw this.refuse(plan.name);
    if (this.live.size >= this.maxLive) {
      this.statistics.refused++;
      throw new OperationLimit(
        `${this.live.size} operations are live, and maxLive is ${this.maxLive}: no new ones until some have ended`,
      );
    }
  }

  /**
   * While draining, what the shutdown ignores; afterwards, what the hooks of other modules call.
   */
  private isWelcome({ onShutdown, kind }: OperationPlan): boolean {
    if (onShutdown === 'ignore') return true;
    return this.phase !== 'draining' && INNER_KINDS.has(kind);
  }

  /** Counts what is not begun because the application shuts down. */
  refuse(name = 'A call'): OperationRefused {
    this.statistics.refused++;
    return new OperationRefused(`${name} was not begun: the application is shutting down`);
  }

  started(state: OperationState): void {
    state.plan.counters.started++;
    this.live.add(state);
    state.plan.counters.live++;
    if (state.tree !== undefined) state.tree.live++;
    if (state.hasId) this.byId.set(state.id, state);
    this.events.emit('started', state);
  }

  identified(state: OperationState, id: string, former?: string): void {
    if (former !== undefined) this.byId.delete(former);
    this.byId.set(id, state);
  }

  progressed(state: OperationState): void {
    this.events.emit('progress', state);
  }

  canceled(state: OperationState, record: CancelRecord): void {
    // A suspended one is counted once somebody consumes it.
    if (state.listIndex >= 0) this.statistics.canceling++;
    this.events.emit('canceled', state);
    if (record.reason === 'manual' && record.message === 'consumer stopped') {
      this.log.debug(`${state.name} was canceled: ${describeChain(state.error())}`, state);
    }
  }

  lingered(state: OperationState): void {
    this.statistics.zombies++;
    state.plan.counters.zombies++;
    this.zombieLog.add(state);
    this.events.emit('zombie', state);
  }

  settled(state: OperationState): void {
    this.live.remove(state);
    state.plan.counters.live--;
    if (state.tree !== undefined) state.tree.live--;
    if (state.hasId) this.byId.delete(state.id);
    this.statistics.ended(state);
    this.history.add(state);
    this.events.emit('settled', state);
  }

  suspended(state: OperationState): void {
    if (state.record !== undefined) this.statistics.canceling--;
    this.live.remove(state);
    state.plan.counters.live--;
    if (state.tree !== undefined) state.tree.live--;
    if (state.hasId) this.byId.delete(state.id);
    this.events.emit('suspended', state);
  }

  resumed(state: OperationState): void {
    if (state.record !== undefined) this.statistics.canceling++;
    this.live.add(state);
    state.plan.counters.live++;
    if (state.tree !== undefined) state.tree.live++;
    if (state.hasId) this.byId.set(state.id, state);
    this.events.emit('resumed', state);
  }

  get(id: string): OperationState | undefined {
    return this.byId.get(id);
  }

  /** All, oldest first. */
  all(): Operation[] {
    return this.live.all();
  }

  /** Oldest first. */
  list(matcher: Matcher): OperationState[] {
    const { limit, all } = matcher;
    return limit === 0 ? [] : this.live.select(all ? undefined : matcher.matches, limit);
  }

  readStatistics(): OperationStatistics {
    return this.statistics.read(this.live.size);
  }

  readSamples(): AllSamples {
    return this.statistics.samples();
  }

  /** Resolves once every operation that matches has really ended, also those begun meanwhile. */
  async whenIdle(matcher: Matcher, except: ReadonlySet<OperationState>): Promise<void> {
    for (;;) {
      const busy = this.list(matcher).filter((state) => !except.has(state));
      if (busy.length === 0) return;
      await Promise.all(busy.map(whenSettled));
    }
  }
}
