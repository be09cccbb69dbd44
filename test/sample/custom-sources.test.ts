import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type RunningSample, startSample } from '../support/sample.js';

describe('the custom sources', () => {
  let sample: RunningSample;

  beforeAll(async () => {
    sample = await startSample('03-custom-sources');
  });
  afterAll(() => sample.stop());

  it('stop work when a file is written, and when a server says so', async () => {
    const post = (path: string) => sample.json<{ id: string }>(path, { method: 'POST' });
    await post('/work');
    await post('/file');
    const byFile = { status: 'canceled', reason: 'condition', message: 'file stop' };
    expect(await sample.json('/work')).toMatchObject([byFile]);

    await post('/work');
    await post('/flags/stop');
    expect(await sample.json('/work')).toMatchObject([
      byFile,
      { status: 'canceled', reason: 'condition', message: expect.stringContaining('flag stop') },
    ]);
  });
});
