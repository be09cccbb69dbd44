import type { CallingScope } from '../operation/calling-scope.js';
import { Interruption, markInterrupted } from '../operation/interruption.js';
import { type CancelationError, setCause } from '../scope/cancelation-error.js';
import { monotonicNow } from '../scope/clock.js';
import { describeError } from '../scope/describe-error.js';
import type { ListenerNode } from '../scope/listeners.js';
import { noop } from '../scope/thenable.js';
import { pauseUntil } from '../scope/waiting.js';
import { isUnprepared, type StatementKind } from './statement-kinds.js';
import { PATIENCE, type Victim } from './killer.js';
import type { MysqlSettings } from './mysql-settings.js';
import { type Command, type Connection, type Done, removeFrom } from './mysql2-library.js';

/** Milliseconds before a query that was killed, and still runs, is killed again. */
const FIRST_PAUSE = 5;
const LONGEST_PAUSE = 250;
const MOST_FAILURES = 3;

/** ER_QUERY_INTERRUPTED, and ER_FILSORT_ABORT of an interrupted sort. */
const INTERRUPTED = new Set<unknown>([1317, 1028]);

type Result = Parameters<Done>;

interface ServerError extends Error {
  readonly errno?: number;
  readonly fatal?: boolean;
}

/**
 * A command of an operation that its cancel reaches: one that runs is killed on the server, one that
 * waits for its connection is dropped.
 *
 * `KILL QUERY` hits whatever a connection executes when it arrives. So from the moment it is sent
 * until it is answered, the command stays the current one of its connection, although it may be over:
 * nothing else is sent.
 */
export class TiedCommand implements Victim {
  private hasBegun = false;
  private listener: ListenerNode | undefined = undefined;
  private cancelation: CancelationError | undefined = undefined;
  private readonly deliver: Command['onResult'];
  private readonly emit: Command['emit'];
  private readonly execute: Command['execute'];
  private result: Result | undefined = undefined;
  private isDelivered = false;
  private hasFailedEvents = false;
  private holdsEnd = false;
  isOver = false;
  isTargeted = false;
  wasTargeted = false;
  over: Promise<void> = Promise.resolve();
  private markOver = noop;

  constructor(
    readonly connection: Connection,
    private readonly command: Command,
    private readonly caller: CallingScope<MysqlSettings>,
    private readonly kind: StatementKind,
  ) {
    const { onResult } = command;
    this.deliver = onResult;
    this.emit = command.emit.bind(command);
    this.execute = command.execute.bind(command);
    if (onResult !== undefined) command.onResult = (...result) => this.take(result);
    command.emit = (...event) => this.pass(...event);
    command.execute = (packet) => this.step(packet);
    this.listener = caller.scope.observe((error) => this.cancel(error));
  }

  /** It is never sent. */
  private drop(cancelation: CancelationError): void {
    const { connection, command } = this;
    this.end();
    removeFrom(connection._commands, command);
    // The PREPARE tells the caller.
    if (isUnprepared(command)) return;
    // Not everybody who cannot commit rolls back, and the next BEGIN would commit.
    if (this.kind === 'commit') connection.addCommand(this.createQuery('ROLLBACK'));
    const interruption = new Interruption(cancelation);
    process.nextTick(() => {
      this.settle([interruption]);
      this.failEvents(interruption);
      this.emit('end');
    });
  }

  private cancel(cancelation: CancelationError): void {
    this.cancelation = cancelation;
    if (!this.hasBegun) {
      // An EXECUTE takes its turn, for its PREPARE may have been sent already.
      if (!isUnprepared(this.command)) this.drop(cancelation);
      return;
    }
    if (this.kind !== 'ordinary') return;
    this.over = new Promise((resolve) => (this.markOver = resolve));
    if (this.deliver === undefined) {
      process.nextTick(() => this.failEvents(new Interruption(cancelation)));
    }
    void this.kill(cancelation);
  }

  /** @returns whether the connection may go on */
  private step(packet: unknown): boolean {
    if (this.isOver) return !this.wasTargeted;
    if (!this.hasBegun && this.cancelation !== undefined) {
      this.drop(this.cancelation);
      return true;
    }
    this.hasBegun = true;
    if (!this.execute(packet, this.connection)) return false;
    this.end();
    return !this.wasTargeted;
  }

  private end(): void {
    this.isOver = true;
    this.listener?.remove();
    this.markOver();
  }

  /** The library has a result, or an error. */
  private take(result: Result): void {
    const error = result[0] as ServerError | null | undefined;
    if (error?.fatal === true) this.end();
    if (this.wasTargeted) this.result ??= result;
    else this.settle(result);
  }

  private settle(result: Result): void {
    if (this.isDelivered) return;
    this.isDelivered = true;
    this.deliver?.(...result);
  }

  private pass(name: string | symbol, ...args: unknown[]): boolean {
    if (this.hasFailedEvents && name !== 'end') return false;
    if (name === 'end' && this.wasTargeted) {
      this.holdsEnd = true;
      return true;
    }
    return this.emit(name, ...args);
  }

  /** Where rows are events, or a stream: there are no more. */
  private failEvents(error: Interruption): void {
    if (this.deliver !== undefined || this.hasFailedEvents) return;
    this.hasFailedEvents = true;
    this.emit('error', error);
    const { connection } = this;
    if (connection._paused && connection._command === this.command) connection.resume();
  }

  private async kill(cancelation: CancelationError): Promise<void> {
    let failure: Interruption | undefined;
    try {
      await this.killUntilOver();
    } catch (error) {
      if (!this.isOver || this.isTargeted) failure = this.abandon(cancelation, error);
    }
    if (!this.wasTargeted && failure === undefined) return;
    this.settle(failure === undefined ? this.explained(cancelation) : [failure]);
    if (this.holdsEnd || failure !== undefined) this.emit('end');
    if (failure === undefined) this.goOn();
  }

  /** A KILL that arrives before its query does has no effect: then another one follows. */
  private async killUntilOver(): Promise<void> {
    const { killers } = this.caller.owner;
    const end = monotonicNow() + PATIENCE;
    let failures = 0;
    for (let pause = FIRST_PAUSE; !this.isOver; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      if (monotonicNow() > end) throw new Error(`it still ran ${PATIENCE} ms later`);
      try {
        await killers.kill(this);
      } catch (error) {
        if (this.isTargeted || ++failures === MOST_FAILURES) throw error;
      }
      await pauseUntil(this.over, pause);
    }
  }

  /** Closes the connection: nobody knows what a KILL that was not answered will hit. */
  private abandon(cancelation: CancelationError, error: unknown): Interruption {
    const { connection, command, caller } = this;
    const { operation } = caller;
    operation.host.log.warn(
      `A query of ${operation.name} could not be killed, and its connection is closed: ` +
        describeError(error),
      operation,
    );
    this.end();
    // With nobody to tell of it, the library would tell the connection, which may have no listener.
    command.onResult ??= noop;
    const lost = new Error('Connection closed: a query on it could not be killed');
    connection.stream.destroy(Object.assign(lost, { code: 'PROTOCOL_CONNECTION_LOST' }));
    const interruption = new Interruption(cancelation);
    setCause(interruption, error);
    return interruption;
  }

  /** What the server answers a query that was killed with need not be an error. */
  private explained(cancelation: CancelationError): Result {
    const interruption = new Interruption(cancelation);
    const error = this.result?.[0] as ServerError | null | undefined;
    if (this.result === undefined || !error) return [interruption];
    if (INTERRUPTED.has(error.errno)) markInterrupted(error, interruption);
    return this.result;
  }

  /** A statement that does nothing takes what is left of the KILL; then the connection goes on. */
  private goOn(): void {
    const { connection } = this;
    if (connection._command !== this.command) return;
    if (connection._closing === true || connection._fatalError || connection._protocolError) return;
    connection._command = this.createQuery('DO 0');
    connection.sequenceId = connection.compressedSequenceId = 0;
    // A packet that is not one would be lost in the queue of a connection that is paused.
    const { _paused: wasPaused } = connection;
    connection._paused = false;
    connection.handlePacket();
    connection._paused = wasPaused;
  }

  private createQuery(sql: string): Command {
    const { Connection } = this.caller.owner.library;
    return Connection.createQuery(sql, undefined, noop, this.connection.config);
  }
}
