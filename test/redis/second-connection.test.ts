import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from '@jest/globals';
import { compiled } from '../support/plain-node.js';
import { describeWith, startServer } from '../support/servers.js';

const path = (file: string) => compiled(new URL(file, import.meta.url));

describeWith(['redis'], 'the second connection of redisCommands()', () => {
  it('keeps no process alive', async () => {
    const server = await startServer('redis');
    try {
      const { stdout } = await promisify(execFile)(
        process.execPath,
        [path('second-connection.fixture.ts')],
        { env: { ...process.env, REDIS_PORT: String(server.port) } },
      );
      const { connections, aliveFor } = JSON.parse(stdout.trim().split('\n').at(-1)!);
      // Two clients, what looks at them, and one more for each client: these are kept for 10 s.
      expect(connections).toBe(5);
      expect(aliveFor).toBeLessThan(5000);
    } finally {
      await server.stop();
    }
  });
});
