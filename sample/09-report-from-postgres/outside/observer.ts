import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { OperationRegistry, type OperationSnapshot } from 'nestjs-cancelable';
import { RatesServer } from '../rates-server.js';
import { SalesDatabase } from '../sales-database.js';
import { Lane, type LaneStatus, type ReportState, type Sight } from './lane.js';
import { RankingThreads } from './ranking-threads.js';

const EVERY = 100;

const ACTIVE = `
  SELECT 1000 * extract(epoch FROM clock_timestamp() - query_start)::float AS ms
  FROM pg_stat_activity WHERE application_name = 'reports' AND state = 'active'
`;

export interface Status {
  /** The newest one. */
  readonly report?: Pick<OperationSnapshot, 'id' | 'status' | 'reason' | 'message' | 'durationMs'>;
  readonly query: LaneStatus;
  readonly request: LaneStatus;
  readonly ranking: LaneStatus;
}

/** Looks at the newest report, and at its parts where they are: in other processes and threads. */
@Injectable()
export class Observer implements OnModuleInit, OnModuleDestroy {
  private report: OperationSnapshot | undefined;
  private lanes = lanes();
  private looking = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly operations: OperationRegistry,
    private readonly database: SalesDatabase,
    private readonly ratesServer: RatesServer,
    private readonly threads: RankingThreads,
  ) {}

  onModuleInit(): void {
    this.timer = setInterval(() => {
      // The database may have stopped first.
      this.looking = this.looking.then(() => this.look()).catch(() => {});
    }, EVERY);
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.timer);
    await this.looking;
  }

  /** As it was at most a tenth of a second ago. */
  get status(): Status {
    const { query, request, ranking } = this.lanes;
    return {
      ...(this.report && { report: summaryOf(this.report) }),
      query: query.status,
      request: request.status,
      ranking: ranking.status,
    };
  }

  private async look(): Promise<void> {
    const query = await this.query();
    const request = this.request();
    // Last: what is gone because of a cancel is never seen without the cancel.
    const report = this.newest();
    if (report?.id !== this.report?.id) this.lanes = lanes();
    this.report = report;
    if (report === undefined) return;
    const state = stateOf(report);
    this.lanes.query.see(query, state);
    this.lanes.request.see(request, state);
    this.lanes.ranking.see(this.ranking(report), state);
  }

  /** PostgreSQL says what it does. */
  private async query(): Promise<Sight> {
    const { rows } = await this.database.observing.query<{ ms: number }>(ACTIVE);
    return { running: rows.map(({ ms }) => ms) };
  }

  /** The other service says who is connected. */
  private request(): Sight {
    const open = [...this.ratesServer.open];
    const lines = open.at(-1)?.lines;
    return {
      running: open.map(({ since }) => Date.now() - since),
      ...(lines !== undefined && { detail: `lines sent: ${lines}` }),
    };
  }

  private ranking(report: OperationSnapshot): Sight {
    return { running: this.threads.running, detail: report.progress?.message };
  }

  private newest(): OperationSnapshot | undefined {
    const filter = { name: 'GET /report', limit: 1 };
    const [live] = this.operations.list(filter);
    const [ended] = this.operations.history(filter);
    return live?.snapshot() ?? ended;
  }
}

function lanes() {
  return { query: new Lane(), request: new Lane(), ranking: new Lane() };
}

function stateOf({ status, reason }: OperationSnapshot): ReportState {
  if (status === 'completed') return 'completed';
  return status === 'running' && reason === undefined ? 'running' : 'canceled';
}

function summaryOf({ id, status, reason, message, durationMs }: OperationSnapshot) {
  return {
    id,
    status,
    durationMs,
    ...(reason !== undefined && { reason }),
    ...(message !== undefined && { message }),
  };
}
