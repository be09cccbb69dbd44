import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { OperationRegistry } from 'nestjs-cancelable';
import { spawnProcess } from 'nestjs-cancelable/worker';

/** Starts itself; the inner one starts a process and leaves, the outer one reads what that says. */
const code = `
  process.on('SIGTERM', () => { process.stderr.write('told\\n'); process.exit(0); });
  setInterval(() => {}, 1000);
  console.log('there');`;

if (process.argv[2] === 'inner') {
  new OperationRegistry().spawn('forever', async () => {
    const stdio = ['ignore', 'pipe', 'inherit'];
    const { child } = spawnProcess<ChildProcess>(process.execPath, ['-e', code], { stdio });
    await once(child.stdout!, 'data');
    process.stderr.write('there\n');
    process.exit(0);
  });
} else {
  const own = fileURLToPath(import.meta.url);
  const inner = spawn(process.execPath, [...process.execArgv, own, 'inner'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const said: string[] = [];
  for await (const line of createInterface({ input: inner.stderr })) said.push(line);
  console.log(JSON.stringify({ output: said.join(' ') }));
}
