import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';

const HOST = '127.0.0.1';

/** The server of REDIS_URL, or one of our own. */
export class Redis {
  private server: ChildProcess | undefined;

  /** @returns its address */
  async start(): Promise<string> {
    const configured = process.env['REDIS_URL'];
    if (configured !== undefined) return configured;
    const port = await freePort();
    const args = ['--bind', HOST, '--port', String(port), '--save', ''];
    // In a group of its own: Ctrl-C in a terminal would end it before the instances.
    this.server = spawn('redis-server', args, { stdio: 'ignore', detached: true });
    this.server.once('error', ({ message }) => {
      console.error(`There is no Redis (${message}): install redis-server, or set REDIS_URL.`);
      process.exit(1);
    });
    // Whatever ends this process.
    process.once('exit', () => this.server?.kill());
    await accepts(port);
    return `redis://${HOST}:${port}`;
  }

  /** That of REDIS_URL goes on. */
  async stop(): Promise<void> {
    if (this.server?.kill()) await once(this.server, 'exit');
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, HOST);
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

async function accepts(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, HOST);
    try {
      await once(socket, 'connect');
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    } finally {
      socket.destroy();
    }
  }
}
