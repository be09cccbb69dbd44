import { describe, expect, it } from '@jest/globals';
import { OperationRegistry } from 'nestjs-cancelable';
import { runFileInThread } from 'nestjs-cancelable/worker';
import { rejection } from '../support/deferred.js';
import { compiled } from '../support/plain-node.js';
import { reported } from './support.js';

const registry = new OperationRegistry();
const file = compiled(new URL('file-work.ts', import.meta.url));

function runFile(mode: string) {
  return registry.spawn('file', () =>
    runFileInThread(file, { grace: '1h', worker: { workerData: { mode } } }),
  );
}

describe('runFileInThread()', () => {
  it('lasts until the thread has nothing left to do, in the operation all the time', async () => {
    const work = runFile('plain');

    expect(await work.result).toBe(0);
    expect(work.partialResult).toEqual({ mode: 'plain', sameLater: true });
  });

  it('gives the exit code', async () => {
    expect(await runFile('exit').result).toBe(3);
  });

  it('rejects with what the file throws, also later', async () => {
    expect(await rejection(runFile('fail').result)).toMatchObject({ message: 'at the top' });
    expect(await rejection(runFile('fail later').result)).toMatchObject({ message: 'later' });
  });

  it('rejects with the operation’s own error when it is canceled', async () => {
    const work = runFile('loop');
    await reported(work, 'looping');
    work.cancel();

    expect(await rejection(work.result)).toBe(work.cancelation);
    await registry.whenIdle();
  });
});
