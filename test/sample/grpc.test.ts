import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { OperationSnapshot } from 'nestjs-cancelable';
import { OpenAnswer, send } from '../support/http-client.js';
import { type RunningSample, startSample } from '../support/sample.js';

interface Service {
  readonly live: OperationSnapshot[];
  readonly ended: OperationSnapshot[];
}

describe('the gRPC pair', () => {
  let sample: RunningSample;

  beforeAll(async () => {
    sample = await startSample('06-grpc');
  });
  afterAll(() => sample.stop());

  /** How a call ended behind, once it has. */
  async function ended(name: string): Promise<OperationSnapshot> {
    for (;;) {
      const { ended } = await sample.json<Service>('/service');
      const found = ended.find((operation) => operation.name === name);
      if (found !== undefined) return found;
    }
  }

  it('takes a deadline along', async () => {
    const response = await fetch(`${sample.url}/reports/Paris`);
    expect(response.status).toBe(504);
    expect(await ended('Reports/Build')).toMatchObject({ kind: 'rpc', reason: 'timeout' });
  });

  it('takes a client that leaves along', async () => {
    const request = send(`${sample.url}/reports/Paris/rows`);
    const answer = await OpenAnswer.of(request);
    await answer.until('row 3 of Paris');
    request.destroy();
    const rows = await ended('Reports/Rows');
    expect(rows).toMatchObject({ kind: 'rpc', status: 'canceled', reason: 'disconnect' });
    expect(rows.progress?.current).toBeGreaterThanOrEqual(3);
  });
});
