import { connect } from 'node:net';
import { contextStorage } from '../scope/context-storage.js';
import { noop } from '../scope/thenable.js';
import type { Connection, ConnectionConfig, Mysql2Library } from './mysql2-library.js';

/** Milliseconds after which an answer is no longer expected. */
export const PATIENCE = 5_000;
/** Milliseconds after which a connection that nobody needs is closed. */
const KEPT = 1_000;

/** A query that is to be killed, until it is over by itself. */
export interface Victim {
  readonly connection: Connection;
  readonly isOver: boolean;
  readonly over: Promise<void>;
  /** A KILL is out, which hits whatever the connection executes until it is answered. */
  isTargeted: boolean;
  /** One has been out: it may have hit the query. */
  wasTargeted: boolean;
}

/** Kills queries of one server and user, over a connection that it opens when needed. */
class Killer {
  private second: Promise<Connection> | undefined = undefined;
  private running = 0;
  private isKept = true;
  private idle: NodeJS.Timeout | undefined = undefined;

  constructor(
    private readonly library: Mysql2Library,
    private readonly ended: () => void,
  ) {}

  /** Settles when the server has answered, or when there is nothing to kill any more. */
  async kill(victim: Victim): Promise<void> {
    clearTimeout(this.idle);
    this.running++;
    const second = (this.second ??= this.open(victim.connection));
    try {
      const connection = await Promise.race([inTime(second), victim.over]);
      if (connection === undefined || victim.isOver) return;
      await Promise.race([checkServer(connection, victim.connection), victim.over]);
      if (victim.isOver) return;
      victim.isTargeted = victim.wasTargeted = true;
      await rowsOf(connection, `KILL QUERY ${victim.connection.threadId}`);
      victim.isTargeted = false;
    } catch (error) {
      this.drop(second);
      throw error;
    } finally {
      if (--this.running === 0) this.rest();
    }
  }

  /** What is opened here belongs to no operation. */
  private open(to: Connection): Promise<Connection> {
    const opened = contextStorage.run(undefined as never, () => openSecond(this.library, to));
    opened.then((connection) => connection.once('end', () => this.drop(opened)), noop);
    return opened;
  }

  /** Nothing is to be killed for the time being. */
  private rest(): void {
    if (!this.isKept) return this.close();
    this.idle = setTimeout(() => this.close(), KEPT);
    this.idle.unref();
  }

  /** One that has failed is of no use, and neither is what it has not answered yet. */
  private drop(second: Promise<Connection>): void {
    if (this.second === second) this.second = undefined;
    second.then((connection) => connection.stream.destroy(), noop);
  }

  /** Keeps no connection any more; what runs may end. */
  close(): void {
    this.isKept = false;
    clearTimeout(this.idle);
    if (this.running > 0) return;
    const { second } = this;
    this.second = undefined;
    second?.then((connection) => connection.end(), noop);
    this.ended();
  }
}

/** The second connections of one application. */
export class Killers {
  private readonly live = new Map<unknown, Killer>();
  private isClosed = false;

  constructor(private readonly library: Mysql2Library) {}

  kill(victim: Victim): Promise<void> {
    const key = serverOf(victim.connection);
    let killer = this.live.get(key);
    if (killer === undefined) {
      const made = new Killer(this.library, () => {
        if (this.live.get(key) === made) this.live.delete(key);
      });
      killer = made;
      this.live.set(key, killer);
    }
    const killed = killer.kill(victim);
    if (this.isClosed) killer.close();
    return killed;
  }

  close(): void {
    this.isClosed = true;
    for (const killer of [...this.live.values()]) killer.close();
  }
}

/** Connections of the same key may be killed over the same connection. */
function serverOf({ config, stream }: Connection): unknown {
  if (config.stream !== undefined) return config.pool ?? config;
  const { remoteAddress = config.host, remotePort = config.port } = stream;
  const { user, socketPath, ssl } = config;
  return JSON.stringify([user, socketPath ?? [remoteAddress, remotePort], Boolean(ssl)]);
}

function openSecond(library: Mysql2Library, to: Connection): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const connection = new library.Connection({ config: configLike(to) });
    // Neither its socket nor its timer keeps a process alive.
    connection.stream.unref?.();
    connection.connectTimeout?.unref();
    connection.on('error', noop);
    connection.connect((error) => (error ? reject(error) : resolve(connection)));
  });
}

/** As the other connection, to the same machine, where a name or a balancer leads to several. */
function configLike({ config, stream }: Connection): ConnectionConfig {
  const { remoteAddress, remotePort } = stream;
  if (config.stream !== undefined && typeof config.stream !== 'function') {
    throw new Error('its connection was given a stream, of which there is only one');
  }
  const isDirect = config.stream === undefined && config.socketPath === undefined;
  if (isDirect && (remoteAddress === undefined || remotePort === undefined)) {
    throw new Error('its connection is lost');
  }
  const open = () => connect({ host: remoteAddress!, port: remotePort!, noDelay: true });
  const copy = Object.create(
    Object.getPrototypeOf(config) as object,
    Object.getOwnPropertyDescriptors(config),
  ) as ConnectionConfig;
  return Object.assign(copy, {
    ...(isDirect && { stream: open }),
    connectTimeout: PATIENCE,
    database: undefined,
    infileStreamFactory: undefined,
    nestTables: undefined,
    pool: undefined,
    queryFormat: undefined,
    rowsAsArray: true,
    typeCast: true,
  });
}

/**
 * Makes sure that a second connection leads to the server of the first: another one, behind a
 * balancer or after a restart, has threads of the same ids.
 */
async function checkServer(second: Connection, first: Connection): Promise<void> {
  const rows = await rowsOf(
    second,
    'SELECT ID, HOST FROM information_schema.PROCESSLIST ' +
      `WHERE ID IN (${second.threadId}, ${first.threadId})`,
  );
  const hostOf = ({ threadId }: Connection) =>
    rows.find(([id]) => String(id) === String(threadId))?.[1];
  const endsWith = (host: unknown, port: number | undefined) => String(host).endsWith(`:${port}`);
  const host = hostOf(first);
  // Some proxies hide the ports of their clients.
  const showsPorts = endsWith(hostOf(second), second.stream.localPort);
  if (host === undefined || (showsPorts && !endsWith(host, first.stream.localPort))) {
    throw new Error('the second connection leads to another server');
  }
}

function rowsOf(connection: Connection, sql: string): Promise<unknown[][]> {
  const answer = new Promise<unknown[][]>((resolve, reject) => {
    contextStorage.run(undefined as never, () => {
      connection.query(sql, (error, rows) => (error ? reject(error) : resolve(rows as never)));
    });
  });
  return inTime(answer);
}

async function inTime<Value>(answer: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${PATIENCE} ms`)), PATIENCE);
    timer.unref();
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
