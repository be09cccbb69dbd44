import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { compiled } from './plain-node.js';

/** A sample application in a process of its own. */
export class RunningSample {
  constructor(
    private readonly child: ChildProcess,
    readonly url: string,
  ) {}

  get pid(): number {
    return this.child.pid!;
  }

  async json<Body>(path: string, init?: RequestInit): Promise<Body> {
    return (await (await fetch(this.url + path, init)).json()) as Body;
  }

  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.child.kill(signal);
    await once(this.child, 'exit');
  }
}

/** Starts `sample/<name>/main.ts` on a free port, and waits for the line that tells its address. */
export async function startSample(
  name: string,
  env: Readonly<Record<string, string>> = {},
): Promise<RunningSample> {
  const child = spawn(
    process.execPath,
    [compiled(new URL(`../../sample/${name}/main.ts`, import.meta.url))],
    { env: { ...process.env, PORT: '0', ...env }, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  for await (const line of createInterface({ input: child.stdout })) {
    const address = /http:\/\/[^\s/]+/.exec(line)?.[0];
    if (address !== undefined) return new RunningSample(child, address);
  }
  throw new Error(`${name} ended before it listened`);
}
