import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo, connect } from 'node:net';

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

/** The server of REDIS_URL, or one of our own that ends with this process. */
export async function findRedis(): Promise<RedisAddress> {
  const configured = process.env['REDIS_URL'];
  if (configured !== undefined) {
    const { hostname, port } = new URL(configured);
    return { host: hostname, port: Number(port || 6379) };
  }
  const address = { host: '127.0.0.1', port: await freePort() };
  const args = ['--bind', address.host, '--port', String(address.port), '--save', ''];
  const server = spawn('redis-server', args, { stdio: 'ignore' });
  server.once('error', () => {
    console.error('There is no redis-server here. Install it, or set REDIS_URL.');
    process.exit(1);
  });
  process.once('exit', () => server.kill());
  await accepts(address);
  return address;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

async function accepts(address: RedisAddress): Promise<void> {
  for (;;) {
    const socket = connect(address);
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
