import type { CallingScope } from '../operation/calling-scope.js';
import { type Interruption, markInterrupted } from '../operation/interruption.js';
import { isObject } from '../scope/plain-object.js';
import type { PgClient, PgConnection, Submittable } from './pg.js';
import type { PostgresSettings } from './postgres-settings.js';
import { RunningQuery } from './running-query.js';

type HandleError = (error: unknown) => void;

/** A cursor, a stream, or a query with events: it tells others of itself. */
export class ForeignQuery extends RunningQuery {
  private readonly fail: HandleError;
  private isTold = false;
  private interruption: Interruption | undefined = undefined;

  constructor(client: PgClient, query: Submittable, caller: CallingScope<PostgresSettings>) {
    super(client, query, caller);
    const { handleError, handleReadyForQuery, destroy } = query;
    this.fail = (error) => handleError.call(query, error, client.connection as PgConnection);
    query.handleError = (error) => {
      this.end();
      if (this.interruption !== undefined && isObject(error)) {
        markInterrupted(error, this.interruption);
      }
      if (!this.isTold) this.fail(error);
    };
    query.handleReadyForQuery = (connection) => {
      this.end();
      handleReadyForQuery.call(query, connection);
    };
    if (destroy === undefined) return;
    query.destroy = (error) => {
      // Nobody reads any more what the server is still looking for.
      if (this.phase === 'running' && this.isExecuting) this.kill();
      return destroy.call(query, error);
    };
  }

  protected override drop(interruption: Interruption): void {
    const { query } = this;
    if (query.destroy !== undefined) {
      query.destroy(interruption);
      return;
    }
    this.end();
    this.fail(interruption);
    // The client says so again when it is its turn.
    this.isTold = true;
  }

  protected override interrupt(interruption: Interruption): void {
    const { query } = this;
    this.interruption = interruption;
    if (query.destroy !== undefined) {
      query.destroy(interruption);
    } else if (this.isExecuting) {
      this.kill(() => this.failIfIdle(interruption));
    } else {
      this.failIfIdle(interruption);
    }
  }

  /** A cursor between two reads: the server has nothing to cancel. */
  private failIfIdle(interruption: Interruption): void {
    if (this.phase === 'over' || this.isExecuting) return;
    this.end();
    this.fail(interruption);
    this.isTold = true;
  }

  private get isExecuting(): boolean {
    const { state } = this.query.cursor ?? this.query;
    return state !== 'idle';
  }
}
