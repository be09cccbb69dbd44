import type { CallingScope } from '../operation/calling-scope.js';
import { type Interruption, markInterrupted } from '../operation/interruption.js';
import { keepAfter } from './kept-clients.js';
import type { PgClient, QueryCallback, Submittable } from './pg.js';
import type { PostgresSettings } from './postgres-settings.js';
import { RunningQuery } from './running-query.js';

/** PostgreSQL's query_canceled. */
const CANCELED = '57014';

type Outcome = Parameters<QueryCallback>;

/** A query by its text, whose outcome is told once. */
export class TextQuery extends RunningQuery {
  private outcome: Outcome | undefined = undefined;
  private interruption: Interruption | undefined = undefined;
  /** What has to happen before the outcome of a canceled one is told. */
  private isNoted = true;
  private isReady = true;
  /** `I` for idle: in no transaction. */
  private status: string | undefined = undefined;

  constructor(
    client: PgClient,
    query: Submittable,
    caller: CallingScope<PostgresSettings>,
    private settle: QueryCallback | undefined,
  ) {
    super(client, query, caller);
    query.callback = (...outcome: Outcome) => {
      this.outcome ??= outcome;
      this.end();
      this.tell();
    };
  }

  protected override drop(interruption: Interruption): void {
    this.query.callback?.(interruption);
  }

  protected override interrupt(interruption: Interruption): void {
    const { client, query } = this;
    const { connection } = client;
    if (client.pipeline === true || connection === undefined) {
      // The server may be at any other one that was sent with it.
      query.callback?.(interruption);
      return;
    }
    this.interruption = interruption;
    this.isNoted = this.isReady = false;
    const ready = (message?: { readonly status?: string }) => {
      connection.off('readyForQuery', ready).off('end', ready);
      this.status = message?.status;
      this.isReady = true;
      this.tell();
    };
    connection.once('readyForQuery', ready).once('end', ready);
    this.kill((isTold) => {
      this.isNoted = true;
      if (!isTold) {
        this.isReady = true;
        query.callback?.(interruption);
      }
      this.tell();
    });
  }

  private tell(): void {
    const { settle, outcome } = this;
    if (settle === undefined || outcome === undefined || !this.isNoted || !this.isReady) return;
    this.settle = undefined;
    const [error] = outcome;
    if (this.interruption !== undefined && isCanceled(error)) {
      markInterrupted(error, this.interruption);
      if (this.status === 'I') keepAfter(this.client, error);
    }
    settle(...outcome);
  }
}

function isCanceled(error: unknown): error is object {
  return (error as { code?: unknown } | null | undefined)?.code === CANCELED;
}
