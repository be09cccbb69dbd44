import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { onSignal } from 'nestjs-cancelable';
import { thrown } from '../support/deferred.js';
import { runFixture } from '../support/fixture.js';
import { compiled } from '../support/plain-node.js';

const fixture = new URL('signals.fixture.ts', import.meta.url);

describe('onSignal', () => {
  it('cancels all that wait with one process listener, and removes it with the last', async () => {
    expect(await runFixture(fixture)).toEqual({
      listeners: 1,
      left: 0,
      outcomes: [
        ['signal', 'received SIGUSR2'],
        ['signal', 'received SIGUSR2'],
      ],
    });
  });

  it('gives the signal its default meaning back', async () => {
    const child = spawn(process.execPath, [compiled(fixture), '--again'], {
      stdio: 'ignore',
    });
    const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
    expect(signal).toBe('SIGUSR2');
  });

  it.each(['SIGKILL', 'SIGSTOP', 'SIGNONSENSE', 'USR2', 5])('refuses %p', (signal) => {
    expect(thrown(() => onSignal(signal as never)).message).toContain('onSignal()');
  });
});
