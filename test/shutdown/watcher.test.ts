import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { describe, expect, it } from '@jest/globals';
import { turn } from '../support/deferred.js';
import { send } from '../support/http-client.js';
import { compiled } from '../support/plain-node.js';

const fixture = compiled(new URL('application.fixture.ts', import.meta.url));

/** Whether a process could listen there now. */
async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}

describe('a watcher that restarts the application, as nest start --watch does', () => {
  it('finds the port free as soon as the shell has ended, although a request still runs', async () => {
    const command = [process.execPath, fixture, 'express', '{"grace":"1m"}'];
    const shell = spawn('sh', ['-c', '"$0" "$@" & echo "pid $!"; wait', ...command], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines: string[] = [];
    let heard = () => {};
    createInterface({ input: shell.stdout }).on('line', (line) => {
      lines.push(line);
      heard();
    });
    const says = async (text: string): Promise<string> => {
      for (;;) {
        const found = lines.find((line) => line.startsWith(text));
        if (found !== undefined) return found.slice(text.length);
        await new Promise<void>((resolve) => (heard = resolve));
      }
    };
    const pid = Number(await says('pid '));
    try {
      const port = Number(await says('listening on '));
      const request = send(`http://127.0.0.1:${port}/endless`);
      const ended = once(request, 'close');
      await says('entered');
      expect(await isFree(port)).toBe(false);

      process.kill(pid, 'SIGTERM');
      const shellEnded = once(shell, 'exit');
      shell.kill('SIGKILL');
      await shellEnded;
      while (!(await isFree(port))) await turn();

      expect(process.kill(pid, 0)).toBe(true);
      process.kill(pid, 'SIGTERM'); // ends the grace
      await says('stopped: shutdown');
      await ended;
    } finally {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended.
      }
    }
  });
});
