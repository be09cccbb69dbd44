import { isIP } from 'node:net';
import { noop } from '../scope/thenable.js';
import type { Library, PgClient, PgConnection } from './pg.js';

/** Milliseconds that a server has to take note of a cancel, and then to act; it takes a few. */
export const PATIENCE = 5_000;

/**
 * Asks the server to cancel what a connection runs, over a socket of its own. The server closes it
 * when it has told the backend: whatever runs on the connection before that may be hit, and nothing
 * that is sent afterwards.
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS
 *
 * @returns rejects when the server cannot be reached, or does not answer in time
 */
export function requestCancel(client: PgClient, { Connection }: Library): Promise<void> {
  const { processID, secretKey, connectionParameters } = client;
  return new Promise((resolve, reject) => {
    const ssl = sslOf(client);
    const sslNegotiation = connectionParameters?.sslnegotiation;
    const connection = new Connection({ ssl, sslNegotiation });
    let isSent = false;
    const finish = (error?: unknown) => {
      clearTimeout(timer);
      connection.stream.destroy();
      if (error === undefined) resolve();
      else reject(error instanceof Error ? error : new Error(String(error)));
    };
    const timer = setTimeout(() => finish(new Error(`no answer in ${PATIENCE} ms`)), PATIENCE);
    timer.unref();
    const send = () => {
      isSent = true;
      connection.cancel(processID as number, secretKey as number);
    };
    connection.on('connect', () => {
      if (ssl === false) send();
      else if (sslNegotiation !== 'direct') connection.requestSsl();
    });
    connection.on('sslconnect', send);
    // The server may close before it has read everything.
    connection.on('error', (error) => (isSent ? noop() : finish(error)));
    connection.on('end', () => finish(isSent ? undefined : new Error('the connection was closed')));
    connectTo(client, connection);
    connection.stream.unref();
  });
}

/** The very server that the client is connected to: a name may stand for several. */
function connectTo(client: PgClient, connection: PgConnection): void {
  const { host = 'localhost', port = 5432 } = client;
  if (host.startsWith('/')) {
    connection.connect(`${host}/.s.PGSQL.${port}`);
    return;
  }
  const { remoteAddress, remotePort } = client.connection?.stream ?? {};
  connection.connect(remotePort ?? port, remoteAddress ?? host);
}

/** As the client's, for the name that its certificate is checked against. */
function sslOf({ ssl, host }: PgClient): false | object {
  if (ssl === undefined || ssl === false) return false;
  const servername = host === undefined || isIP(host) > 0 ? undefined : { servername: host };
  if (ssl === true) return { ...servername };
  // pg hides the key from what lists properties.
  const key = 'key' in ssl ? { key: ssl.key } : undefined;
  return { ...servername, ...ssl, ...key };
}
