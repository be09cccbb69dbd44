import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type RunningSample, startSample } from '../support/sample.js';

describe('the GraphQL sample', () => {
  let sample: RunningSample;

  beforeAll(async () => {
    sample = await startSample('05-graphql');
  });
  afterAll(() => sample.stop());

  const query = (text: string, signal?: AbortSignal) =>
    sample.json<any>('/graphql', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ query: text }),
      ...(signal && { signal }),
    });

  it('stops what the fields of a query have begun when its client gives up', async () => {
    const giveUp = new AbortController();
    const answer = query('{ report(city: "Rome") { city summary } }', giveUp.signal);
    const failed = expect(answer).rejects.toThrow();
    let running: any[];
    do running = await sample.json<any[]>('/operations');
    while (!JSON.stringify(running).includes('reports.summarise'));
    expect(running).toMatchObject([
      { name: 'POST /graphql', kind: 'graphql', children: [{ name: 'reports.summarise' }] },
    ]);

    giveUp.abort();

    await failed;
    const history = await sample.json<any[]>('/operations/history');
    expect(history).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: 'POST /graphql', reason: 'disconnect' }),
        expect.objectContaining({ name: 'reports.summarise', reason: 'parent' }),
      ]),
    );
  });

  it('answers a timeout with its code', async () => {
    const { errors } = await query('{ hurriedSummary(city: "Rome") }');
    expect(errors).toMatchObject([
      { message: 'The operation timed out', extensions: { code: 'OPERATION_TIMEOUT' } },
    ]);
  });
});
