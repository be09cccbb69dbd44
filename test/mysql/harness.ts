import { createConnection, createPool, type Pool, type PoolOptions } from 'mysql2';
import type { Connection as PromiseConnection, Pool as PromisePool } from 'mysql2/promise';
import type { Operation, OperationRegistry } from 'nestjs-cancelable';
import { mysql } from 'nestjs-cancelable/mysql';
import { type AppContext, startContext } from '../support/app-context.js';
import { type RunningServer, startServer } from '../support/servers.js';

interface Process {
  readonly ID: number;
  readonly DB: string | null;
  readonly COMMAND: string;
  readonly INFO: string | null;
}

/** Starts an application that wants its queries killed. */
export function startKilling(): Promise<AppContext> {
  return startContext({}, { extensions: [mysql()], shutdown: { grace: '1ms', cleanup: '10s' } });
}

/** A server, clients of it that are closed after each test, and what the server knows of them. */
export class Database {
  private readonly closing: (() => unknown)[] = [];
  private watcher: PromiseConnection | undefined = undefined;

  private constructor(readonly server: RunningServer) {}

  static async start(): Promise<Database> {
    const database = new Database(await startServer('mariadb'));
    await (await database.observer()).query('CREATE DATABASE test');
    return database;
  }

  get options() {
    return { host: '127.0.0.1', port: this.server.port, user: 'root', database: 'test' };
  }

  pool(options: PoolOptions = {}): Pool {
    const pool = createPool({ ...this.options, ...options });
    this.closing.push(() => pool.promise().end());
    return pool;
  }

  promisePool(options: PoolOptions = {}): PromisePool {
    return this.pool(options).promise();
  }

  async connection(options: PoolOptions = {}): Promise<PromiseConnection> {
    const connection = createConnection({ ...this.options, ...options });
    connection.on('error', () => {});
    this.closing.push(() => connection.destroy());
    await connection.promise().connect();
    return connection.promise();
  }

  closeLater(close: () => unknown): void {
    this.closing.push(close);
  }

  async closeClients(): Promise<void> {
    for (const close of this.closing.splice(0)) await close();
  }

  async stop(): Promise<void> {
    this.watcher?.destroy();
    await this.server.stop();
  }

  /** A connection that is never in an operation. */
  async observer(): Promise<PromiseConnection> {
    if (this.watcher === undefined) {
      const connection = createConnection({
        host: '127.0.0.1',
        port: this.server.port,
        user: 'root',
      });
      connection.on('error', () => {});
      this.watcher = connection.promise();
      await this.watcher.connect();
    }
    return this.watcher;
  }

  /** For a server that was restarted. */
  forgetObserver(): void {
    this.watcher?.destroy();
    this.watcher = undefined;
  }

  /** The statements that the server executes now, of everybody but the observer. */
  async running(): Promise<Process[]> {
    return (await this.processes()).filter(({ COMMAND }) =>
      ['Query', 'Execute', 'Prepare'].includes(COMMAND),
    );
  }

  /** Everybody but the observer. */
  async processes(): Promise<Process[]> {
    const observer = await this.observer();
    const [rows] = await observer.query(
      'SELECT ID, DB, COMMAND, INFO FROM information_schema.PROCESSLIST ' +
        "WHERE ID <> CONNECTION_ID() AND USER <> 'system user'",
    );
    return rows as Process[];
  }

  /** Resolves when so many statements with a text run. */
  /** Resolves when nothing runs: what looks for a query, and what kills it, are seen for a moment. */
  async idle(): Promise<void> {
    while ((await this.running()).length > 0);
  }

  async runs(text: string, count = 1): Promise<Process[]> {
    for (;;) {
      const found = (await this.running()).filter(({ INFO }) => INFO?.includes(text));
      if (found.length === count) return found;
    }
  }

  async value(sql: string): Promise<unknown> {
    const observer = await this.observer();
    const [rows] = await observer.query(sql);
    return Object.values((rows as object[])[0] ?? {})[0];
  }

  /** Runs a query in an operation of its own, and waits until the server executes it. */
  async begun(
    registry: OperationRegistry,
    text: string,
    call: () => Promise<unknown>,
  ): Promise<Operation> {
    const operation = registry.spawn({ name: 'report', settle: 'wait' }, call);
    operation.result.catch(() => {});
    await this.runs(text);
    return operation;
  }
}
