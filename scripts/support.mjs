// What the checks of the packed package share.
import { execFile, spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const root = fileURLToPath(new URL('..', import.meta.url));
const windows = process.platform === 'win32';
const run = promisify(execFile);

/** Runs a program; a failure carries everything that it printed. */
export async function exec(program, args, cwd, { timeout = 300_000, env } = {}) {
  try {
    const { stdout } = await run(program, args, {
      cwd,
      timeout,
      shell: windows,
      maxBuffer: 64 * 1024 * 1024,
      env: { ...process.env, ...env },
    });
    return stdout;
  } catch (error) {
    const printed = [error.stdout, error.stderr].filter(Boolean).join('\n').trim();
    const why = error.killed ? `stopped after ${timeout} ms` : `exit code ${error.code}`;
    throw new Error(`${program} ${args.join(' ')}: ${why}\n${printed}`, { cause: error });
  }
}

/** Runs `use` while a program runs, which says with a line that matches when it is ready. */
export async function whileRunning(program, args, { cwd, env, ready, timeout = 60_000 }, use) {
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: !windows,
  });
  let printed = '';
  let wake = () => {};
  const hear = (chunk) => {
    printed += chunk;
    wake();
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const exit = new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      resolve({ code, signal });
      wake();
    });
  });
  /** Resolves with the match of a line to come; `from` counts what was printed before. */
  const until = async (pattern, from = 0) => {
    const end = Date.now() + timeout;
    for (;;) {
      const match = pattern.exec(printed.slice(from));
      if (match) return match;
      if (child.exitCode !== null || child.signalCode !== null || Date.now() > end) {
        throw new Error(`${program} ${args.join(' ')} never printed ${pattern}:\n${printed}`);
      }
      await new Promise((resolve) => {
        wake = resolve;
        setTimeout(resolve, 1_000).unref();
      });
    }
  };
  try {
    await until(ready);
    return await use({ child, exit, until, printed: () => printed });
  } finally {
    try {
      if (windows) child.kill('SIGKILL');
      else process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
    await exit;
  }
}

export const tool = (name, ...args) => exec(join(root, 'node_modules', '.bin', name), args, root);

/** @returns the packed package, as it would be published */
export async function pack(destination) {
  await exec('npm', ['pack', '--pack-destination', destination], root);
  const [tarball] = (await readdir(destination)).filter((file) => file.endsWith('.tgz'));
  return join(destination, tarball);
}

/** Runs checks by name; every one runs, also after a failure. */
export class Checks {
  #failed = [];

  async run(name, action) {
    const start = Date.now();
    try {
      await action();
      console.log(`ok      ${name} (${Math.round((Date.now() - start) / 1_000)} s)`);
    } catch (error) {
      this.#failed.push(name);
      console.log(`FAILED  ${name}\n${error.message}`);
    }
  }

  /** Sets the exit code. */
  finish(title) {
    if (this.#failed.length === 0) return;
    console.log(`\n${title} failed: ${this.#failed.join(', ')}`);
    process.exitCode = 1;
  }
}
