import { ConflictException, ForbiddenException, Inject, Injectable, Logger } from '@nestjs/common';
import type { LogSubject } from '../operation/operation-log.js';
import { SafeLog } from '../operation/safe-log.js';
import { OperationRegistry } from '../registry/operation-registry.js';
import { cancelOrReached } from '../scope/cancel.js';
import { CancelRecord } from '../scope/cancel-record.js';
import { escapeControls } from '../scope/escape-controls.js';
import { Turns } from '../scope/turns.js';
import { DASHBOARD_REGISTRY } from './dashboard-tokens.js';
import { Access } from './access.js';
import type { BulkAnswer, BulkPreview, CancelAnswer, OperationQuery } from './api-types.js';
import type { DashboardRequest, DashboardSubject } from './dashboard-options.js';
import { OperationViews, unknown } from './operation-views.js';
import { Subjects } from './subjects.js';

/** Callers of other instances that are asked at a time. */
const AT_A_TIME = 32;

const MANUAL = { reason: 'manual' } as const;

/** Cancels for people, and tells the log who has canceled what, from where. */
@Injectable()
export class Cancels {
  private readonly log = SafeLog.over(new Logger('CancelableDashboard'));

  constructor(
    @Inject(DASHBOARD_REGISTRY) private readonly registry: OperationRegistry,
    @Inject(Access) private readonly access: Access,
    @Inject(OperationViews) private readonly views: OperationViews,
    @Inject(Subjects) private readonly subjects: Subjects,
  ) {}

  /**
   * Cancels one, and everything below it.
   *
   * @throws NotFoundException, ForbiddenException
   */
  async one(
    id: string,
    request: DashboardRequest,
    message: string | undefined,
    all: boolean,
  ): Promise<CancelAnswer> {
    const { subject, answer: found } = await this.subjects.one(id, all);
    if (subject === undefined || !this.access.canRead(subject, request)) throw unknown(id);
    if (!this.access.canCancel(subject, request)) {
      this.tell('was refused to cancel', subject, request);
      throw new ForbiddenException('You may not cancel this operation');
    }
    const { canceled, answer = found } = await this.cancel(subject, request, message, all);
    if (canceled) this.tell('canceled', subject, request, MANUAL);
    return { canceled, ...(answer === undefined ? undefined : { answer }) };
  }

  /** How many a filter would cancel. */
  async preview(
    query: OperationQuery,
    request: DashboardRequest,
    all: boolean,
  ): Promise<BulkPreview> {
    const { subjects, ...answered } = await this.views.matching(request, query, all);
    return { count: subjects.length, ...answered };
  }

  /**
   * Cancels all that match and may be canceled.
   *
   * @param confirmed how many somebody has agreed to
   * @throws ConflictException if there are more by now
   */
  async many(
    query: OperationQuery,
    confirmed: number,
    request: DashboardRequest,
    message: string | undefined,
    all: boolean,
  ): Promise<BulkAnswer> {
    const { subjects, ...answered } = await this.views.matching(request, query, all);
    if (subjects.length > confirmed) {
      throw new ConflictException({
        statusCode: 409,
        message: `${subjects.length} operations match by now, and ${confirmed} were confirmed`,
        count: subjects.length,
      });
    }
    const count = await (all
      ? this.everywhere(subjects, request, message)
      : this.here(subjects, request, message));
    const { who, from } = this.caller(request);
    this.log.log(
      `${who} canceled by filter, ${count} in all: ${JSON.stringify(query)}, from ${from}`,
      { ...MANUAL, count, requestedBy: who, requestedFrom: from },
    );
    return { count, ...answered };
  }

  private async here(
    subjects: readonly DashboardSubject[],
    request: DashboardRequest,
    message: string | undefined,
  ): Promise<number> {
    const live = OperationRegistry.liveOf(this.registry);
    const record = this.record(request, message);
    const turns = new Turns();
    let count = 0;
    for (const subject of subjects) {
      const state = live.get(subject.id);
      if (state !== undefined && cancelOrReached(state, record)) {
        count++;
        this.tell('canceled', subject, request, MANUAL);
      }
      if (turns.isOver()) await turns.next();
    }
    return count;
  }

  private async everywhere(
    subjects: readonly DashboardSubject[],
    request: DashboardRequest,
    message: string | undefined,
  ): Promise<number> {
    let count = 0;
    const pending = [...subjects].reverse();
    const work = async () => {
      for (let subject = pending.pop(); subject !== undefined; subject = pending.pop()) {
        const { canceled } = await this.cancel(subject, request, message, true);
        if (!canceled) continue;
        count++;
        this.tell('canceled', subject, request, MANUAL);
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, work));
    return count;
  }

  private async cancel(
    { id }: DashboardSubject,
    request: DashboardRequest,
    message: string | undefined,
    all: boolean,
  ): Promise<CancelAnswer> {
    const state = OperationRegistry.liveOf(this.registry).get(id);
    if (state !== undefined) {
      return { canceled: cancelOrReached(state, this.record(request, message)) };
    }
    if (!all) return { canceled: false };
    const { who, from } = this.caller(request);
    const { canceled, complete, expected, replied } = await this.registry.cluster.cancel(id, {
      requestedBy: who,
      message: message ?? `canceled from ${from}`,
    });
    return { canceled, answer: { complete, expected, replied } };
  }

  private record(request: DashboardRequest, message: string | undefined): CancelRecord {
    const { who, from } = this.caller(request);
    const site = () => `the dashboard, from ${from}`;
    return new CancelRecord('manual', message, { requestedBy: who, site });
  }

  private caller(request: DashboardRequest): { readonly who: string; readonly from: string } {
    const from = request.ip ?? 'an unknown address';
    return { who: escapeControls(this.access.who(request)), from: escapeControls(from) };
  }

  private tell(
    what: string,
    { name, id }: DashboardSubject,
    request: DashboardRequest,
    why?: Pick<LogSubject, 'reason'>,
  ): void {
    const { who, from } = this.caller(request);
    this.log.log(`${who} ${what} ${name} (${id}), from ${from}`, {
      ...{ name, id, ...why },
      ...{ requestedBy: who, requestedFrom: from },
    });
  }
}
