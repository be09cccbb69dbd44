import { Inject, Injectable, NotFoundException } from '@nestjs/common';
import type { OperationState } from '../operation/operation-state.js';
import { snapshotOf } from '../operation/snapshot.js';
import { compileFilter, type OperationFilter } from '../registry/operation-filter.js';
import { OperationRegistry } from '../registry/operation-registry.js';
import { isObject, memberOf } from '../scope/plain-object.js';
import { collectInTurns } from '../scope/turns.js';
import { DASHBOARD_REGISTRY } from './dashboard-tokens.js';
import { Access } from './access.js';
import type {
  Answered,
  DashboardOperation,
  OperationDetail,
  OperationPage,
  OperationQuery,
} from './api-types.js';
import type { DashboardRequest, DashboardSubject } from './dashboard-options.js';
import { ListQueue } from './list-queue.js';
import { comparatorOf, matches } from './matches.js';
import type { PageRequest } from './read-query.js';
import { ancestorsOf, descendantsOf } from './relatives.js';

/** Operations of a tree that are shown with one of them. */
const MOST_RELATIVES = 5_000;
const MOST_ANCESTORS = 500;

/** Those that live, or those that ended and are remembered: the method of a registry. */
export type Listed = 'list' | 'history';

/** What a registry is asked. */
type RegistryFilter = Omit<OperationFilter, 'where'>;

interface Found<Subjects = Iterable<DashboardSubject>> extends Answered {
  /** To be gone through once. */
  readonly subjects: Subjects;
}

/** Operations of a page that needs no place in the queue: nothing else is looked at for it. */
const SMALL_PAGE = 1_000;

/** What a caller sees of the operations. */
@Injectable()
export class OperationViews {
  constructor(
    @Inject(DASHBOARD_REGISTRY) private readonly registry: OperationRegistry,
    @Inject(Access) private readonly access: Access,
    @Inject(ListQueue) private readonly queue: ListQueue,
  ) {}

  /**
   * One page of the operations that match: of those that live, or of those that ended.
   *
   * @throws ServiceUnavailableException if too many lists are waited for
   */
  async list(
    what: Listed,
    request: DashboardRequest,
    query: OperationQuery,
    page: PageRequest,
    all: boolean,
  ): Promise<OperationPage> {
    const isPlain = what === 'list' && !all && this.isPlain(query, page);
    if (isPlain && page.limit <= SMALL_PAGE) return this.newest(request, query, page);
    return this.queue.run(request, async () => {
      if (isPlain) return this.newest(request, query, page);
      const { subjects, ...answered } = await this.find(what, this.filterOf(query), all);
      return { ...(await this.pageOf(subjects, request, query, page)), ...answered };
    });
  }

  /**
   * The live operations that match and may be canceled, not redacted.
   *
   * @throws ServiceUnavailableException if too many lists are waited for
   */
  matching(
    request: DashboardRequest,
    query: OperationQuery,
    all: boolean,
  ): Promise<Found<readonly DashboardSubject[]>> {
    return this.queue.run(request, async () => {
      const { subjects, ...answered } = await this.find('list', this.filterOf(query), all);
      const found = await collectInTurns(subjects, (subject) => {
        const shown = this.access.show(subject, request);
        return shown?.cancelable === true && matches(query, shown) ? subject : undefined;
      });
      return { subjects: found, ...answered };
    });
  }

  /**
   * One operation, those that led to it, and those that it led to.
   *
   * @throws NotFoundException if there is none that the caller may see
   */
  async detail(id: string, request: DashboardRequest, all: boolean): Promise<OperationDetail> {
    const { subject, answer } = await this.one(id, all);
    const operation = subject && this.access.show(subject, request);
    if (subject === undefined || operation === undefined) throw unknown(id);
    const relatives = await this.relatives(subject, request, all);
    return {
      operation,
      ancestors: ancestorsOf(operation, relatives),
      descendants: descendantsOf(operation, relatives),
      sources: this.sourcesOf(operation),
      ...(answer === undefined ? undefined : { answer }),
    };
  }

  /** The operation of an id, live or remembered. */
  async one(
    id: string,
    all: boolean,
  ): Promise<Answered & { readonly subject: DashboardSubject | undefined }> {
    const here = this.registry.find(id);
    if (!all) return { subject: here };
    const { operation, ...answer } = await this.registry.cluster.get(id);
    return { subject: operation, answer };
  }

  private async relatives(
    subject: DashboardSubject,
    request: DashboardRequest,
    all: boolean,
  ): Promise<Map<string, DashboardOperation>> {
    const limit = MOST_RELATIVES;
    // Of a large tree, the newest are not those next to this one.
    const groups = [
      this.above(subject),
      ...(await this.ofBoth({ parentId: subject.id, limit }, all)),
      ...(await this.ofBoth({ rootId: subject.rootId, limit }, all)),
    ];
    const seen = (relative: DashboardSubject) => this.access.show(relative, request);
    const shown = await collectInTurns(firstOfEach(groups), seen, limit);
    return new Map(shown.map((each) => [each.id, each]));
  }

  /** What ended in between is among both: as it is in the end, it comes first. */
  private async ofBoth(
    filter: RegistryFilter,
    all: boolean,
  ): Promise<Iterable<DashboardSubject>[]> {
    const live = await this.find('list', filter, all);
    const ended = await this.find('history', filter, all);
    return [ended.subjects, live.subjects];
  }

  /** From the parent to the root, as far as this instance knows them. */
  private above({ parentId }: DashboardSubject): DashboardSubject[] {
    const found: DashboardSubject[] = [];
    for (let id = parentId; id !== undefined && found.length < MOST_ANCESTORS;) {
      const next = this.registry.find(id);
      if (next === undefined) break;
      found.push(next);
      id = next.parentId;
    }
    return found;
  }

  /** Nothing has to be looked at but the page itself. */
  private isPlain({ text, zombie, kind }: OperationQuery, { sort }: PageRequest): boolean {
    const isAnswered = text === undefined && zombie === undefined && (kind?.length ?? 1) === 1;
    return this.access.isOpen && sort === 'startedAt' && isAnswered;
  }

  private async newest(
    request: DashboardRequest,
    query: OperationQuery,
    { descending, offset, limit }: PageRequest,
  ): Promise<OperationPage> {
    const states = this.states(this.filterOf(query));
    if (descending) states.reverse();
    const shown = await collectInTurns(states.slice(offset, offset + limit), (state) =>
      this.access.show(snapshotOf(state), request),
    );
    return page(shown, states.length, offset + limit);
  }

  private states(filter: RegistryFilter): OperationState[] {
    return OperationRegistry.liveOf(this.registry).list(compileFilter(filter, 'list()'));
  }

  /**
   * What of a query a registry answers faster. It looks at what is there before it is redacted, and
   * who compares the answers to several queries would learn that: so it answers nothing then.
   */
  private filterOf(query: OperationQuery): RegistryFilter {
    return this.access.redacts ? {} : filterOf(query);
  }

  private async pageOf(
    subjects: Iterable<DashboardSubject>,
    request: DashboardRequest,
    query: OperationQuery,
    { sort, descending, offset, limit }: PageRequest,
  ): Promise<OperationPage> {
    const found = await collectInTurns(subjects, (subject) => {
      const shown = this.access.show(subject, request);
      // What was taken away cannot be searched for.
      return shown !== undefined && matches(query, shown) ? shown : undefined;
    });
    found.sort(comparatorOf(sort));
    if (descending) found.reverse();
    return page(found.slice(offset, offset + limit), found.length, offset + limit);
  }

  private async find(what: Listed, filter: RegistryFilter, all: boolean): Promise<Found> {
    if (all) {
      const { operations, ...answer } = await this.registry.cluster[what](filter);
      return { subjects: operations, answer };
    }
    if (what === 'history') return { subjects: this.registry.history(filter) };
    return { subjects: snapshotsOf(this.states(filter)) };
  }

  /** What beside a cancel by hand ends a live operation of this instance. */
  private sourcesOf({ id, deadline, parentId }: DashboardOperation): string[] {
    const state = OperationRegistry.liveOf(this.registry).get(id);
    if (state === undefined) return [];
    const own = (state.plan.sources ?? []).map((source) =>
      isObject(source) && typeof memberOf(source, 'name') === 'string'
        ? String(memberOf(source, 'name'))
        : 'token',
    );
    return [
      ...(deadline === undefined ? [] : ['deadline']),
      ...(parentId === undefined ? [] : ['parent']),
      ...own,
    ];
  }
}

export function unknown(id: string): NotFoundException {
  return new NotFoundException(`There is no operation ${id.slice(0, 100)}`);
}

/** One after the other, so that those that do not match are not held. */
function* snapshotsOf(states: readonly OperationState[]): Generator<DashboardSubject> {
  for (const state of states) yield snapshotOf(state);
}

/** Each operation once, as it is in the first group that has it. */
function* firstOfEach(groups: readonly Iterable<DashboardSubject>[]): Generator<DashboardSubject> {
  const seen = new Set<string>();
  for (const group of groups) {
    for (const subject of group) {
      if (seen.has(subject.id)) continue;
      seen.add(subject.id);
      yield subject;
    }
  }
}

function page(
  operations: readonly DashboardOperation[],
  total: number,
  next: number,
): OperationPage {
  return operations.length > 0 && next < total
    ? { operations, total, next }
    : { operations, total };
}

/** What of a query a registry answers faster. */
function filterOf(query: OperationQuery): RegistryFilter {
  const { status, reason, kind, name, tag, rootId, parentId, olderThan } = query;
  const filter = {
    status,
    reason,
    kind: kind?.length === 1 ? kind[0] : undefined,
    ...{ name, tag, rootId, parentId, olderThan },
  };
  const given = Object.entries(filter).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given);
}
