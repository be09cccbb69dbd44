import { Inject, Injectable } from '@nestjs/common';
import type { OperationState } from '../operation/operation-state.js';
import { snapshotOf } from '../operation/snapshot.js';
import { compileFilter, type OperationFilter } from '../registry/operation-filter.js';
import { OperationRegistry } from '../registry/operation-registry.js';
import { isObject, memberOf } from '../scope/plain-object.js';
import type { Answered, OperationQuery } from './api-types.js';
import type { DashboardSubject } from './dashboard-options.js';
import { DASHBOARD_REGISTRY } from './dashboard-tokens.js';

const MOST_ANCESTORS = 500;

/** Those that live, or those that ended and are remembered: the method of a registry. */
export type Listed = 'list' | 'history';

/** What a registry is asked. */
export type RegistryFilter = Omit<OperationFilter, 'where'>;

export interface Found<Subjects = Iterable<DashboardSubject>> extends Answered {
  /** To be gone through once. */
  readonly subjects: Subjects;
}

/** The operations that there are, whoever asks. */
@Injectable()
export class Subjects {
  constructor(@Inject(DASHBOARD_REGISTRY) private readonly registry: OperationRegistry) {}

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

  /** @param all whether all instances are asked */
  async find(what: Listed, filter: RegistryFilter, all: boolean): Promise<Found> {
    if (all) {
      const { operations, ...answer } = await this.registry.cluster[what](filter);
      return { subjects: operations, answer };
    }
    if (what === 'history') return { subjects: this.registry.history(filter) };
    return { subjects: snapshotsOf(this.states(filter)) };
  }

  /** What ended in between is among both: as it is in the end, it comes first. */
  async ofBoth(filter: RegistryFilter, all: boolean): Promise<Iterable<DashboardSubject>[]> {
    const live = await this.find('list', filter, all);
    const ended = await this.find('history', filter, all);
    return [ended.subjects, live.subjects];
  }

  /** From the parent to the root, as far as this instance knows them. */
  above({ parentId }: DashboardSubject): DashboardSubject[] {
    const found: DashboardSubject[] = [];
    for (let id = parentId; id !== undefined && found.length < MOST_ANCESTORS;) {
      const next = this.registry.find(id);
      if (next === undefined) break;
      found.push(next);
      id = next.parentId;
    }
    return found;
  }

  /** The live ones of this instance, oldest first. */
  states(filter: RegistryFilter): OperationState[] {
    return OperationRegistry.liveOf(this.registry).list(compileFilter(filter, 'list()'));
  }

  /** What beside a cancel by hand ends a live operation of this instance. */
  sourcesOf({ id, deadline, parentId }: DashboardSubject): string[] {
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

/** One after the other, so that those that do not match are not held. */
function* snapshotsOf(states: readonly OperationState[]): Generator<DashboardSubject> {
  for (const state of states) yield snapshotOf(state);
}

/** What of a query a registry answers faster. */
export function filterOf(query: OperationQuery): RegistryFilter {
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
