import { connect } from 'node:net';
import { inContext } from '../scope/context-storage.js';
import { KeptConnections } from '../scope/kept-connections.js';
import { noop } from '../scope/thenable.js';
import { inTime } from '../scope/waiting.js';
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

/** Kills queries, over a connection for each server and user. */
export class Killers {
  private readonly connections = new KeptConnections<Connection>({
    idle: KEPT,
    close: (connection) => connection.end(),
    destroy: (connection) => connection.stream.destroy(),
    onEnd: (connection, ended) => connection.once('end', ended),
  });

  constructor(private readonly library: Mysql2Library) {}

  /** Settles when the server has answered, or when there is nothing to kill any more. */
  kill(victim: Victim): Promise<void> {
    const { connection } = victim;
    const open = () => openSecond(this.library, connection);
    return this.connections.use(serverOf(connection), open, (second) => killOver(second, victim));
  }

  close(): void {
    this.connections.close();
  }
}

async function killOver(opened: Promise<Connection>, victim: Victim): Promise<void> {
  const second = await Promise.race([inTime(opened, PATIENCE), victim.over]);
  if (second === undefined || victim.isOver) return;
  await Promise.race([checkServer(second, victim.connection), victim.over]);
  if (victim.isOver) return;
  victim.isTargeted = victim.wasTargeted = true;
  await rowsOf(second, `KILL QUERY ${victim.connection.threadId}`);
  victim.isTargeted = false;
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
    inContext(undefined, () => {
      connection.query(sql, (error, rows) => (error ? reject(error) : resolve(rows as never)));
    });
  });
  return inTime(answer, PATIENCE);
}
