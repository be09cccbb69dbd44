import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from '@jest/globals';
import { OperationRegistry } from 'nestjs-cancelable';
import { type ProcessOptions, spawnProcess } from 'nestjs-cancelable/worker';
import { rejection, thrown } from '../support/deferred.js';
import { runFixture } from '../support/fixture.js';
import { MemoryLog } from '../support/memory-log.js';

const log = new MemoryLog();
const registry = new OperationRegistry({ logger: log });

const node = (code: string, options?: ProcessOptions) =>
  spawnProcess<ChildProcess>(process.execPath, ['-e', code], options);

/** Writes what it is called when it is there and when it gets SIGTERM; then it ends. */
const polite = (name: string) => `
  process.on('SIGTERM', () => { console.log('${name} told'); process.exit(0); });
  setInterval(() => {}, 1000);
  console.log('${name} there');`;

const deaf = `
  process.on('SIGTERM', () => console.log('told'));
  setInterval(() => {}, 1000);
  console.log('there');`;

/** An operation around a process, and the process. */
function inOperation(code: string, options?: ProcessOptions) {
  let spawned!: ReturnType<typeof node>;
  const work = registry.spawn({ name: 'convert', settle: 'wait' }, () => {
    spawned = node(code, options);
    return spawned.exited;
  });
  return { work, ...spawned };
}

async function lines(child: ChildProcess, count: number): Promise<string[]> {
  let output = '';
  while (output.split('\n').length <= count) {
    const [chunk] = (await once(child.stdout!, 'data')) as [Buffer];
    output += String(chunk);
  }
  return output.trim().split('\n');
}

describe('spawnProcess()', () => {
  it('gives usual streams and the exit code', async () => {
    const { work, child } = inOperation(
      `process.stdin.on('data', (data) => { console.log('got ' + data); console.error('bad'); process.exitCode = 3; })`,
    );
    const output = Promise.all([text(child.stdout!), text(child.stderr!)]);
    child.stdin!.end('rows');

    expect(await work.result).toBe(3);
    expect(await output).toEqual(['got rows\n', 'bad\n']);
  });

  it('gives 128 + n for a process that signal n ended', async () => {
    const { work, kill } = inOperation('setInterval(() => {}, 1000)');
    expect(kill('SIGKILL')).toBe(true);

    expect(await work.result).toBe(137);
    expect(kill()).toBe(false);
  });

  it('rejects when there is no such program', async () => {
    const { exited } = spawnProcess('no-such-program');
    expect(await rejection(exited)).toMatchObject({ code: 'ENOENT' });
  });

  it('works outside of an operation', async () => {
    expect(await node('process.exit(4)').exited).toBe(4);
  });

  it('ends a process and what it started, when the operation is canceled', async () => {
    const code = `
      require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(polite('child'))}], { stdio: 'inherit' });
      ${polite('parent')}`;
    const { work, child } = inOperation(code, { grace: '1h' });
    expect((await lines(child, 2)).sort()).toEqual(['child there', 'parent there']);
    const rest = text(child.stdout!);
    work.cancel({ message: 'enough' });

    expect(await rejection(work.result)).toBe(work.cancelation);
    expect((await rest).trim().split('\n').sort()).toEqual(['child told', 'parent told']);
    expect(log.warnings).toEqual([]);
  });

  it('kills one that ignores SIGTERM, after the grace period', async () => {
    const { work, child } = inOperation(deaf, { grace: '200ms' });
    await lines(child, 1);
    const rest = text(child.stdout!);
    work.cancel();

    expect(await rejection(work.result)).toBe(work.cancelation);
    expect(await rest).toBe('told\n');
    expect(child.signalCode).toBe('SIGKILL');
    expect(log.warnings).toEqual([expect.stringMatching(/convert.+SIGTERM.+killed/)]);
  });

  it('ends when its operation ends without waiting for it', async () => {
    let exited!: Promise<number>;
    await registry.run('careless', async () => {
      const spawned = node(polite('it'), { grace: '1h' });
      exited = spawned.exited;
      await lines(spawned.child, 1);
    });
    expect(await rejection(exited)).toMatchObject({ reason: 'parent' });
  });

  it('starts nothing in a canceled operation', async () => {
    const handle = registry.start('over');
    const { operation } = handle;
    let error: unknown;
    const part = handle.run(() => {
      operation.cancel();
      error = thrown(() => node('0'));
    });
    await rejection(part);
    expect(error).toBe(operation.cancelation);
    await handle.complete();
  });

  it('refuses options that the operation decides', () => {
    for (const key of ['signal', 'timeout', 'killSignal', 'detached']) {
      expect(() => node('0', { [key]: 1 })).toThrow(key);
    }
    expect(() => node('0', { grace: '5' })).toThrow('spawnProcess(): grace');
  });

  it('does not outlive this process', async () => {
    const { output } = await runFixture<{ output: string }>(
      new URL('outlived.fixture.ts', import.meta.url),
    );
    expect(output).toBe('there told');
  });
});
