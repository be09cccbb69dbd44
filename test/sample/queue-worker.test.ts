import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { describeWith } from '../support/servers.js';
import { type RunningSample, startSample } from '../support/sample.js';

interface Report {
  readonly state: string;
  readonly progress: { readonly current?: number };
  readonly failedReason?: string;
  readonly attemptsMade: number;
}

describeWith(['redis'], 'the queue worker', () => {
  let sample: RunningSample;

  beforeAll(async () => {
    sample = await startSample('07-queue-worker');
  });
  // Not at once: it ends its own server.
  afterAll(() => sample.stop('SIGTERM'));

  it('stops a job in the middle, which is not tried again', async () => {
    const { id } = await sample.json<{ id: string }>('/reports?pace=5ms', { method: 'POST' });
    const report = () => sample.json<Report>(`/reports/${id}`);
    while (((await report()).progress.current ?? 0) < 2);
    expect(await sample.json(`/reports/${id}`, { method: 'DELETE' })).toEqual({ canceled: true });
    let ended = await report();
    while (ended.state !== 'failed') ended = await report();
    expect(ended).toMatchObject({ failedReason: 'stop pressed', attemptsMade: 1 });
  });
});
