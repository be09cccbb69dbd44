import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from '@jest/globals';
import { closeAfterTest } from './close-after-test.js';
import { freezeProcess } from './freeze-process.js';
import { removeFolder } from './remove-folder.js';
import { localhost } from './tls.js';

/** A program that tests start for themselves: what it is called and how it comes. */
interface Program {
  readonly binary: string;
  /** The package of Debian. */
  readonly debian: string;
}

interface ServerProgram extends Program {
  args(port: number, folder: string): string[];
  /** Runs once, before it starts for the first time. */
  prepare?(folder: string): void;
}

const programs = {
  redis: {
    binary: 'redis-server',
    debian: 'redis-server',
    args: (port, folder) =>
      `--port ${port} --bind 127.0.0.1 --save  --appendonly no --dir ${folder}`.split(' '),
  },
  nats: {
    binary: 'nats-server',
    debian: 'nats-server',
    args: (port, folder) => ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', folder],
  },
  natsWithoutJetStream: {
    binary: 'nats-server',
    debian: 'nats-server',
    args: (port) => ['-a', '127.0.0.1', '-p', String(port)],
  },
  mariadb: {
    binary: 'mariadbd',
    debian: 'mariadb-server',
    prepare: (folder) => {
      const args = ['--auth-root-authentication-method=normal', '--skip-test-db'];
      writeFileSync(join(folder, 'key.pem'), localhost.key);
      writeFileSync(join(folder, 'cert.pem'), localhost.cert);
      execFileSync('mariadb-install-db', [...mariadbArgs(folder), ...args], { stdio: 'ignore' });
    },
    args: (port, folder) => [
      ...mariadbArgs(folder),
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      `--socket=${join(folder, 'socket')}`,
      `--pid-file=${join(folder, 'pid')}`,
      `--ssl-key=${join(folder, 'key.pem')}`,
      `--ssl-cert=${join(folder, 'cert.pem')}`,
      '--max-connections=500',
    ],
  },
} satisfies Record<string, ServerProgram>;

export type ServerName = keyof typeof programs;

const browsers = { chromium: { binary: 'chromium', debian: 'chromium' } };

/** What a test may need: servers, and a browser. */
export type ProgramName = ServerName | keyof typeof browsers;

function mariadbArgs(folder: string): string[] {
  // It refuses to run as root, unless it is told to.
  const isRoot = process.getuid?.() === 0;
  return [
    '--no-defaults',
    ...(isRoot ? ['--user=root'] : []),
    `--datadir=${join(folder, 'data')}`,
    // Each deletes the temporary files of the others when it starts.
    `--tmpdir=${folder}`,
  ];
}

function isInstalled({ binary }: Program): boolean {
  try {
    execFileSync(binary, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/**
 * A `describe` for tests that need servers or a browser. Where one is not installed they are skipped, and say
 * how to install it; in CI that is a failure.
 */
export function describeWith(
  names: readonly ProgramName[],
  title: string,
  tests: () => void,
): void {
  const all: Record<ProgramName, Program> = { ...programs, ...browsers };
  const missing = names.map((name) => all[name]).filter((program) => !isInstalled(program));
  if (missing.length === 0) {
    describe(title, tests);
    return;
  }
  const install = `apt-get install ${missing.map(({ debian }) => debian).join(' ')}`;
  if (process.env['CI']) {
    describe(title, () => {
      it('has the programs it needs', () => {
        throw new Error(`${title}: a program is missing. Install it: ${install}`);
      });
    });
  } else {
    // The summary only counts what is skipped.
    process.stderr.write(`skipped: ${title}. To run it: ${install}\n`);
    describe.skip(`${title} (to run: ${install})`, tests);
  }
}

export class RunningServer {
  constructor(
    private child: ChildProcess,
    readonly port: number,
    /** What it writes, and sockets of its own. */
    readonly folder: string,
    private readonly launch: () => Promise<ChildProcess>,
  ) {}

  /** Stops it as a debugger does: it accepts connections, and answers nothing until it goes on. */
  freeze(): Promise<void> {
    return freezeProcess(this.child);
  }

  unfreeze(): void {
    this.child.kill('SIGCONT');
  }

  /** For tests of what happens when a server is gone for a while. */
  async restart(): Promise<void> {
    await this.kill();
    this.child = await this.launch();
  }

  async stop(): Promise<void> {
    await this.kill();
    removeFolder(this.folder);
  }

  /** Stops it as a crash does; it can be started again. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGKILL');
    await once(this.child, 'exit');
  }
}

/**
 * Starts a server on a free port of this machine; resolves once it accepts connections.
 *
 * @param settings arguments of its program beside the usual ones
 */
export async function startServer(name: ServerName, ...settings: string[]): Promise<RunningServer> {
  const { binary, args, prepare }: ServerProgram = programs[name];
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), `${name}-`));
  prepare?.(folder);
  const launch = async () => {
    const child = spawn(binary, [...args(port, folder), ...settings], { stdio: 'ignore' });
    await accepts(port, child);
    return child;
  };
  return new RunningServer(await launch(), port, folder, launch);
}

/** Starts a server that is stopped after the test. */
export async function startForTest(
  name: ServerName,
  ...settings: string[]
): Promise<RunningServer> {
  const server = await startServer(name, ...settings);
  closeAfterTest(() => server.stop());
  return server;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function accepts(port: number, child: ChildProcess): Promise<void> {
  while (child.exitCode === null) {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 10));
    } finally {
      socket.destroy();
    }
  }
  throw new Error(`a server ended before it accepted connections`);
}
