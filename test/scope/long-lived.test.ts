import { beforeAll, describe, expect, it } from '@jest/globals';
import { runFixture } from '../support/fixture.js';

interface Report {
  /** What each use left behind, by what was done. */
  readonly bytes: Record<string, number>;
  readonly left: Record<string, number>;
  readonly warnings: string[];
  readonly whileLive: { onSignal: number; onEmitter: number };
  readonly aborted: boolean[];
  readonly heard: string[];
}

/** Measured in a process that does other things, too: a leak is 130 bytes and more. */
const NOISE = 110;
/** `AbortSignal.any()` itself leaves something with what it was made of. */
const NOISE_OF_NODE = 300;

describe('rule 20: a long-lived thing costs no more after much has come and gone', () => {
  let report: Report;

  beforeAll(async () => {
    report = await runFixture<Report>(
      new URL('long-lived.fixture.ts', import.meta.url),
      '--expose-gc',
    );
  }, 60_000);

  it('leaves no memory behind per use, derived from tokens, signals, sources or timeouts', () => {
    expect(Object.keys(report.bytes).length).toBeGreaterThan(10);
    const { 'a signal made of a derived one': made, ...rest } = report.bytes;
    expect(made).toBeLessThan(NOISE_OF_NODE);
    expect(Object.entries(rest).filter(([, each]) => each > NOISE)).toEqual([]);
  });

  it('leaves no listener and no timer behind', () => {
    // The promise of its cancel, which all share.
    expect(report.left).toEqual({ onToken: 1, onSignal: 0, onEmitter: 0, timers: 0 });
  });

  it('listens once to a signal or an emitter for all who wait, and nobody is warned', () => {
    expect(report.whileLive).toEqual({ onSignal: 1, onEmitter: 1 });
    expect(report.warnings).toEqual([]);
  });

  it('still tells all listeners, although nobody holds the token or signal they listen to', () => {
    expect(report.heard).toEqual([
      'listener',
      'made of it',
      'nested',
      'onCancel',
      'onabort',
      'operation',
      'whenCanceled',
    ]);
  });

  it('still answers correctly when asked, although its sources do not hold it', () => {
    expect(report.aborted).toEqual([true, true, true]);
  });
});
