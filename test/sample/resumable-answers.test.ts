import { get, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type RunningSample, startSample } from '../support/sample.js';

const WHOLE = /^A canceled stream is not a lost one: .* as if nothing had happened\.$/;

describe('the resumable answers', () => {
  let sample: RunningSample;

  beforeAll(async () => {
    sample = await startSample('02-resumable-answers');
  });
  afterAll(() => sample.stop());

  const begin = async (prompt: string) =>
    (
      await sample.json<{ id: string }>('/answers', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ prompt }),
      })
    ).id;

  /** Follows an answer over SSE. @returns the last snapshot */
  async function follow(id: string, onProgress?: () => Promise<unknown>): Promise<any> {
    const [response] = (await once(get(`${sample.url}/answers/${id}`), 'response')) as [
      IncomingMessage,
    ];
    let last = '';
    let asked = false;
    for await (const line of createInterface({ input: response })) {
      if (line.startsWith('data: ')) last = line.slice('data: '.length);
      if (line === 'event: progress' && !asked) {
        asked = true;
        await onProgress?.();
      }
    }
    return JSON.parse(last);
  }

  it('go on from the exact position after a pause by the user', async () => {
    const first = await begin('tell me');
    const paused = await follow(first, () =>
      sample.json(`/answers/${first}/pause`, { method: 'POST' }),
    );
    expect(paused).toMatchObject({ status: 'canceled', reason: 'manual' });
    const { text } = await sample.json<{ text: string }>(`/answers/${first}/text`);
    expect(text.split(' ')).toHaveLength(paused.progress.current);
    expect(paused.text).toBe(text);
    expect(text).not.toMatch(WHOLE);

    const { id } = await sample.json<{ id: string }>(`/answers/${first}/resume`, {
      method: 'POST',
    });
    expect(await follow(id)).toMatchObject({ status: 'completed' });
    const whole = await sample.json<{ text: string }>(`/answers/${id}/text`);
    expect(whole.text).toMatch(WHOLE);
    expect(whole.text.startsWith(text)).toBe(true);
  });

  it('end when the model says stop', async () => {
    const id = await begin('a short one');
    expect(await follow(id)).toMatchObject({
      status: 'canceled',
      reason: 'condition',
      progress: { current: 8 },
    });
  });
});
