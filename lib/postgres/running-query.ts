import type { CallingScope } from '../operation/calling-scope.js';
import { Interruption } from '../operation/interruption.js';
import type { CancelationError } from '../scope/cancelation-error.js';
import { describeError } from '../scope/describe-error.js';
import type { ListenerNode } from '../scope/listeners.js';
import { noop } from '../scope/thenable.js';
import { PATIENCE, requestCancel } from './cancel-request.js';
import type { Library, PgClient, Submittable } from './pg.js';
import type { PostgresSettings } from './postgres-settings.js';
import { holdQueue } from './queue-hold.js';

/**
 * A query of an operation. It waits for its turn on its connection, runs on the server, and is
 * over; when the operation is canceled, it is dropped, or the server is told.
 */
export abstract class RunningQuery {
  protected phase: 'queued' | 'running' | 'over' = 'queued';
  /** Why it was dropped before it was sent. */
  private dropped: Interruption | undefined = undefined;
  private isKilled = false;
  private listener: ListenerNode | undefined = undefined;
  private patience: NodeJS.Timeout | undefined = undefined;

  constructor(
    protected readonly client: PgClient,
    protected readonly query: Submittable,
    private readonly caller: CallingScope<PostgresSettings>,
  ) {
    const { submit } = query;
    query.submit = (connection) => {
      // For an error, the client goes on to the next one.
      if (this.dropped !== undefined) return this.dropped;
      this.phase = 'running';
      return submit.call(query, connection);
    };
  }

  /** It fails when it is its turn, and is not sent. */
  refuse(error: CancelationError): void {
    this.dropped = new Interruption(error);
  }

  /** Follows the scope; called when the client has the query. */
  follow(): void {
    if (this.phase === 'over' || this.dropped !== undefined) return;
    this.listener = this.caller.scope.observe((error) => {
      const interruption = new Interruption(error);
      if (this.phase === 'running') {
        this.interrupt(interruption);
      } else if (this.phase === 'queued') {
        this.dropped = interruption;
        this.drop(interruption);
      }
    });
  }

  /** It was not sent, and never will be. */
  protected abstract drop(interruption: Interruption): void;

  /** The server has it. */
  protected abstract interrupt(interruption: Interruption): void;

  protected end(): void {
    this.phase = 'over';
    clearTimeout(this.patience);
    this.listener?.remove();
  }

  /**
   * Has the server cancel it. Until that has taken note, no further query of the connection is
   * sent, which it would hit. The connection is closed if the server cannot be told, or does not
   * let go of the query.
   *
   * @param then called when nothing can be hit any more, or the connection is closed
   */
  protected kill(then: (isTold: boolean) => void = noop): void {
    if (this.isKilled) return;
    this.isKilled = true;
    const { client, caller } = this;
    const giveUp = (why: unknown) => {
      caller.operation.host.log.warn(
        `PostgreSQL could not be told to cancel a query of ${caller.operation.name}, so its ` +
          `connection is closed: ${describeError(why)}`,
        caller.operation,
      );
      closeConnection(client, caller.owner.library);
      then(false);
    };
    const letGo = holdQueue(client);
    void requestCancel(client, caller.owner.library)
      .then(() => {
        then(true);
        if (this.phase !== 'over') this.waitForEnd(giveUp);
      }, giveUp)
      .finally(letGo);
  }

  /** What stands between may close the socket as the server does, and tell it nothing. */
  private waitForEnd(giveUp: (why: unknown) => void): void {
    this.patience = setTimeout(() => {
      giveUp(new Error(`it went on with the query for ${PATIENCE} ms`));
    }, PATIENCE);
    this.patience.unref();
  }
}

/** Whatever a library has put in the place of the client's own `end()`. */
function closeConnection(client: PgClient, { Client }: Library): void {
  Client.prototype.end.call(client).catch(noop);
}
