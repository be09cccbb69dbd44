import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { OperationSnapshot } from 'nestjs-cancelable';
import { type RunningSample, startSample } from '../support/sample.js';

interface Runs {
  readonly ended: OperationSnapshot[];
  readonly live: OperationSnapshot[];
}

describe('the cron job', () => {
  let sample: RunningSample;

  beforeAll(async () => {
    sample = await startSample('08-cron');
  });
  afterAll(() => sample.stop());

  it('never runs twice at a time, and can be stopped by its name', async () => {
    const runs = () => sample.json<Runs>('/runs');
    // More than a tick of a second lies between the first and the fifteenth page.
    let now = await runs();
    while ((now.live[0]?.progress?.current ?? 0) < 15) {
      now = await runs();
      expect(now.live.length).toBeLessThanOrEqual(1);
    }
    expect(now.ended).toEqual([]);
    expect(await sample.json('/runs', { method: 'DELETE' })).toEqual({ canceled: 1 });
    while (now.ended.length === 0) now = await runs();
    expect(now.ended).toMatchObject([{ name: 'sync', status: 'canceled', reason: 'manual' }]);
  });
});
