import type { Observable } from 'rxjs';
import type { ClusterLink } from '../cluster/cluster-link.js';
import type { Outcome } from '../cluster/question.js';
import type { OperationSnapshot } from '../operation/snapshot.js';
import { captureCallSite } from '../scope/call-site.js';
import { readCancelOptions } from '../scope/cancel-options.js';
import type { CancelOptions } from '../scope/cancel-record.js';
import { currentScope } from '../scope/context.js';
import { type Duration, parseDuration } from '../scope/duration.js';
import { bare } from '../scope/plain-object.js';
import { readDuration, readOptions } from '../scope/validate.js';
import {
  type ClusterAnswer,
  type ClusterEvent,
  type ClusterInstance,
  type ClusterOperation,
  type ClusterTreeNode,
  instanceOf,
  isSnapshot,
} from './cluster-answer.js';
import { cancelAnywhere } from './cluster-cancel.js';
import { followCluster, watchCluster } from './cluster-followers.js';
import { type ClusterFilter, encodeFilter } from './cluster-filter.js';
import { collectPages } from './cluster-pages.js';
import {
  answerOf,
  askOwner,
  foundAt,
  foundIn,
  isCount,
  isOver,
  namesIn,
  readable,
  refuseIncomplete,
} from './cluster-outcome.js';
import { isInstanceStatistics, mergeStatistics } from './cluster-statistics.js';
import { nestSnapshots } from './operation-tree.js';
import type { OperationMessage } from './operation-watch.js';
import { ownChain } from './own-chain.js';
import { type OperationScope, readScope } from './registry-scope.js';
import type { OperationStatistics } from './statistics.js';
import { readView, type ViewOptions } from './view-options.js';

/**
 * How long a call to all instances may take.
 *
 * @publicApi
 */
export interface ClusterCallOptions {
  /** How long an instance may be silent. Default: `cluster.timeout`, 1 s. */
  readonly timeout?: Duration;
}

/**
 * What is said of a cancel, and how long its acknowledgement may take. Of `cause`, its name and
 * message travel.
 *
 * @publicApi
 */
export interface ClusterCancelOptions extends CancelOptions, ClusterCallOptions {}

/**
 * The operations of all instances of the service: lists, follows and cancels them from anywhere. No
 * call to it costs the operations anything that nobody asks about. Every answer says whether it is
 * complete, and who has replied.
 *
 * @example
 * const { operations, complete } = await registry.cluster.list({ name: 'import' });
 * const { canceled, owner } = await registry.cluster.cancel(id, { requestedBy: user.id });
 * @publicApi
 */
export class ClusterRegistry {
  readonly #link: () => ClusterLink;
  readonly #scope: readonly unknown[];

  /** @internal */
  constructor(link: () => ClusterLink, scope: readonly unknown[] = []) {
    this.#link = link;
    this.#scope = scope;
  }

  /**
   * The operations that match, and no others, as `registry.scoped()`. Whether an operation is one
   * of them is decided where it lives.
   *
   * @param filter at least one key, without `limit` and `where`
   * @throws TypeError when a key is undefined: a scope never means "all"
   */
  scoped(filter: Omit<OperationScope, 'where'>): ClusterRegistry {
    const where = 'cluster.scoped()';
    const own = encodeFilter(readScope(filter, where), where);
    return new ClusterRegistry(this.#link, [...this.#scope, own]);
  }

  /**
   * The live operations of all instances, oldest first, however many there are.
   *
   * @throws TypeError for a filter that is not valid, or cannot travel
   */
  async list(
    filter?: ClusterFilter,
    options?: ClusterCallOptions,
  ): Promise<ClusterAnswer & { readonly operations: readonly ClusterOperation[] }> {
    return this.#collect('live', filter, options, 'cluster.list()');
  }

  /** The live operations of all instances, nested below their parents. */
  async tree(
    filter?: ClusterFilter,
    options?: ClusterCallOptions,
  ): Promise<ClusterAnswer & { readonly tree: readonly ClusterTreeNode[] }> {
    const found = await this.#collect('live', filter, options, 'cluster.tree()');
    const { operations, ...answer } = found;
    return { ...answer, tree: await nestSnapshots(operations) };
  }

  /** The operations that ended, oldest first: of each instance what its history remembers. */
  async history(
    filter?: ClusterFilter,
    options?: ClusterCallOptions,
  ): Promise<ClusterAnswer & { readonly operations: readonly ClusterOperation[] }> {
    return this.#collect('history', filter, options, 'cluster.history()');
  }

  /**
   * An operation that is live or remembered, wherever it is.
   *
   * @returns `operation` is undefined when there is none, and all have said so
   * @throws ClusterIncomplete when it was not found, and not all have answered
   */
  async get(
    id: string,
    options?: ClusterCallOptions,
  ): Promise<ClusterAnswer & { readonly operation: ClusterOperation | undefined }> {
    const timeout = this.#timeout(options, 'cluster.get()');
    const outcome = await this.#find(id, timeout);
    const found = foundIn(outcome);
    if (found !== undefined) {
      const { from, operation } = found;
      // An id of its own may be in use again where nobody has answered.
      const answer = isOver(operation) ? answerOf(outcome) : foundAt(from);
      return { ...answer, operation: { ...operation, instance: from.name } };
    }
    refuseIncomplete(outcome, `whether there is an operation ${id}`, timeout);
    return { ...answerOf(outcome), operation: undefined };
  }

  /**
   * Cancels one, wherever it runs, and everything below it. It is acknowledged by the instance that
   * has it: asked alone where the id names it, and otherwise with all others. Work that waits outside,
   * such as a job in a queue, is removed there by one of the instances that reach it.
   *
   * @returns `canceled`: this call was the one that canceled it. `owner`: the instance that has it;
   * undefined when there is none, and all have said so
   * @throws ClusterIncomplete when nobody has acknowledged it, and not all have answered. It is sent
   * again for 30 s to the instance that the id names, should that come back. Also when the work has
   * begun where no instance answers for it
   * @throws OperationConflict when a short name means work in several places
   */
  async cancel(
    id: string,
    options: ClusterCancelOptions = {},
  ): Promise<ClusterAnswer & { readonly canceled: boolean; readonly owner: string | undefined }> {
    const { timeout, cancel } = this.#readCancel(options, 'cluster.cancel()');
    return cancelAnywhere(this.#link(), this.#scope, { id, cancel, timeout });
  }

  /**
   * Cancels all that match, in every instance, when it hears of it; except the operation it is
   * called from and its ancestors.
   *
   * @param filter `{}`: all
   * @returns `count`: how many this call canceled, directly or through a parent
   * @throws TypeError without a filter, or when a key of it is undefined
   */
  async cancelAll(
    filter: ClusterFilter,
    options: ClusterCancelOptions = {},
  ): Promise<
    ClusterAnswer & {
      readonly count: number;
      readonly byInstance: Readonly<Record<string, number>>;
    }
  > {
    const where = 'cluster.cancelAll()';
    if (filter === undefined) {
      throw new TypeError(`${where} needs a filter; {} means all operations`);
    }
    const { timeout, cancel } = this.#readCancel(options, where);
    const except = [...ownChain()].map(({ id }) => id);
    const question = { filter: encodeFilter(filter, where), cancel, except };
    const outcome = readable(await this.#ask('cancelAll', question, timeout), isCount);
    const nameOf = namesIn(outcome);
    const counts = outcome.replies.map(
      ({ from, body }) => [nameOf(from), isCount(body) ? body.count : 0] as const,
    );
    return {
      ...answerOf(outcome),
      count: counts.reduce((sum, [, count]) => sum + count, 0),
      byInstance: Object.fromEntries(counts),
    };
  }

  /** Numbers of all instances together. The percentiles are exact to about one percent of rank. */
  async statistics(options?: ClusterCallOptions): Promise<
    ClusterAnswer & {
      readonly statistics: OperationStatistics;
      readonly byInstance: Readonly<Record<string, OperationStatistics>>;
    }
  > {
    const timeout = this.#timeout(options, 'cluster.statistics()');
    const asked = await this.#ask('statistics', {}, timeout);
    const outcome = readable(asked, isInstanceStatistics);
    const parts = outcome.replies.flatMap(({ from, body }) =>
      isInstanceStatistics(body) ? [{ from, ...body }] : [],
    );
    const nameOf = namesIn(outcome);
    return {
      ...answerOf(outcome),
      statistics: mergeStatistics(parts),
      byInstance: Object.fromEntries(
        parts.map(({ from, statistics }) => [nameOf(from), statistics] as const),
      ),
    };
  }

  /** Who is there, this instance too; those that did not answer as they were last heard of. */
  async instances(
    options?: ClusterCallOptions,
  ): Promise<ClusterAnswer & { readonly instances: readonly ClusterInstance[] }> {
    const timeout = this.#timeout(options, 'cluster.instances()');
    const outcome = await this.#ask('about', {}, timeout);
    const { service } = this.#link();
    const nameOf = namesIn(outcome);
    const silent = new Set(outcome.missing);
    const instances = outcome.expected.map((member) =>
      instanceOf(member, nameOf(member), service, !silent.has(member)),
    );
    return {
      ...answerOf(outcome),
      instances: instances.sort((a, b) => (a.startedAt < b.startedAt ? -1 : 1)),
    };
  }

  /**
   * Follows one operation, wherever it lives, as `registry.watch()` does: its present state, every
   * progress, the outcome and the end. Over the bus only while somebody is subscribed.
   *
   * @returns errors with OperationNotFound when there is none, and all have said so; with
   * ClusterIncomplete when not all have answered, or when its instance is gone
   */
  watch(
    id: string,
    options: ViewOptions & { readonly view: 'full' },
  ): Observable<OperationMessage<OperationSnapshot>>;
  /** Follows one operation, and shows what anybody may know. */
  watch(id: string, options?: ViewOptions): Observable<OperationMessage>;
  watch(id: string, options?: ViewOptions): Observable<OperationMessage> {
    const view = readView(options, 'cluster.watch()', 'public');
    const find = async () => {
      const { timeout } = this.#link();
      const outcome = await this.#find(id, timeout);
      const found = foundIn(outcome);
      if (found === undefined) {
        refuseIncomplete(outcome, `whether there is an operation ${id}`, timeout);
      }
      return found?.from;
    };
    return watchCluster(this.#link, find, { id, view, scope: this.#scope });
  }

  /**
   * What happens in all instances, from now on: at most once, in batches of 50 ms. Events of an
   * instance that has more than 1,000 in that time, or that cannot be reached, are missing.
   *
   * @throws TypeError for a filter that is not valid, or cannot travel
   */
  events$(filter?: ClusterFilter): Observable<ClusterEvent> {
    const question = { filter: encodeFilter(filter, 'cluster.events$()'), scope: this.#scope };
    return followCluster(this.#link, question);
  }

  async #collect(
    from: 'live' | 'history',
    filter: ClusterFilter | undefined,
    options: ClusterCallOptions | undefined,
    where: string,
  ): Promise<ClusterAnswer & { readonly operations: readonly ClusterOperation[] }> {
    const timeout = this.#timeout(options, where);
    const question = { filter: encodeFilter(filter, where), from };
    const outcome = await this.#ask('list', question, timeout);
    const { operations, lost } = await collectPages(this.#link(), outcome, timeout, filter?.limit);
    return { ...answerOf(outcome, lost), operations };
  }

  #ask(topic: string, question: object, timeout: number): Promise<Outcome> {
    return this.#link().ask(topic, { ...question, scope: this.#scope }, { timeout });
  }

  async #find(id: string, timeout: number): Promise<Outcome> {
    const outcome = await askOwner(this.#link(), 'get', { id, scope: this.#scope }, { timeout });
    return readable(outcome, (body) => body === null || isSnapshot(body));
  }

  #timeout(options: ClusterCallOptions | undefined, where: string): number {
    const readers = { timeout: readDuration };
    const { timeout } = readOptions<ClusterCallOptions>(options ?? {}, where, readers);
    return timeout === undefined ? this.#link().timeout : parseDuration(timeout, where);
  }

  #readCancel(options: ClusterCancelOptions, where: string): { timeout: number; cancel: object } {
    const { timeout, ...rest } = bare(options);
    const { reason, message, cause, requestedBy } = readCancelOptions(rest, where);
    const site = captureCallSite()?.();
    return {
      timeout: this.#timeout(timeout === undefined ? undefined : { timeout }, where),
      cancel: {
        reason,
        message,
        requestedBy: requestedBy ?? currentScope()?.operation()?.id,
        ...(cause instanceof Error
          ? { cause: { name: cause.name, message: cause.message } }
          : undefined),
        ...(site === undefined ? undefined : { site: `${site} (${this.#link().name})` }),
      },
    };
  }
}
