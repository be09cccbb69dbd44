import { Inject, Injectable, NotFoundException } from '@nestjs/common';
import { snapshotOf } from '../operation/snapshot.js';
import { collectInTurns } from '../scope/turns.js';
import { Access } from './access.js';
import type {
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
import { filterOf, type Found, type Listed, type RegistryFilter, Subjects } from './subjects.js';

/** Operations of a tree that are shown with one of them. */
const MOST_RELATIVES = 5_000;

/** Operations of a page that needs no place in the queue: nothing else is looked at for it. */
const SMALL_PAGE = 1_000;

/** What a caller sees of the operations. */
@Injectable()
export class OperationViews {
  constructor(
    @Inject(Subjects) private readonly subjects: Subjects,
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
      const { subjects, ...answered } = await this.subjects.find(what, this.filterOf(query), all);
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
      const { subjects, ...answered } = await this.subjects.find('list', this.filterOf(query), all);
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
    const { subject, answer } = await this.subjects.one(id, all);
    const operation = subject && this.access.show(subject, request);
    if (subject === undefined || operation === undefined) throw unknown(id);
    const relatives = await this.relatives(subject, request, all);
    return {
      operation,
      ancestors: ancestorsOf(operation, relatives),
      descendants: descendantsOf(operation, relatives),
      sources: this.subjects.sourcesOf(operation),
      ...(answer === undefined ? undefined : { answer }),
    };
  }

  private async relatives(
    subject: DashboardSubject,
    request: DashboardRequest,
    all: boolean,
  ): Promise<Map<string, DashboardOperation>> {
    const limit = MOST_RELATIVES;
    // Of a large tree, the newest are not those next to this one.
    const groups = [
      this.subjects.above(subject),
      ...(await this.subjects.ofBoth({ parentId: subject.id, limit }, all)),
      ...(await this.subjects.ofBoth({ rootId: subject.rootId, limit }, all)),
    ];
    const seen = (relative: DashboardSubject) => this.access.show(relative, request);
    const shown = await collectInTurns(firstOfEach(groups), seen, limit);
    return new Map(shown.map((each) => [each.id, each]));
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
    const states = this.subjects.states(this.filterOf(query));
    if (descending) states.reverse();
    const shown = await collectInTurns(states.slice(offset, offset + limit), (state) =>
      this.access.show(snapshotOf(state), request),
    );
    return page(shown, states.length, offset + limit);
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
}

export function unknown(id: string): NotFoundException {
  return new NotFoundException(`There is no operation ${id.slice(0, 100)}`);
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
