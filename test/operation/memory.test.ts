import { beforeAll, describe, expect, it } from '@jest/globals';
import { runFixture } from '../support/fixture.js';

interface Report {
  readonly retained: string[];
  readonly watched: number;
  readonly kept: number;
  readonly history: number;
  readonly live: number;
  readonly timers: number;
  readonly listeners: number;
  readonly abortListeners: number;
}

describe('rule 25: a settled operation retains nothing', () => {
  let report: Report;

  beforeAll(async () => {
    report = await runFixture<Report>(new URL('memory.fixture.ts', import.meta.url), '--expose-gc');
  });

  it('although contexts captured in it live on, and history remembers it', () => {
    expect(report.kept).toBeGreaterThan(0);
    expect(report.history).toBe(8);
    expect(report.watched).toBeGreaterThan(30);
    expect(report.retained).toEqual([]);
  });

  it('and leaves no timer, listener or live operation', () => {
    expect(report).toMatchObject({ live: 0, timers: 0, listeners: 0, abortListeners: 0 });
  });
});

it('rule 25: what is kept of a settled operation (error, token, signal, promise) holds nothing of it', async () => {
  const report = await runFixture<Pick<Report, 'retained' | 'watched' | 'kept'>>(
    new URL('kept.fixture.ts', import.meta.url),
    '--expose-gc',
  );
  expect(report.kept).toBeGreaterThan(report.watched);
  expect(report.watched).toBeGreaterThan(35);
  expect(report.retained).toEqual([]);
});
