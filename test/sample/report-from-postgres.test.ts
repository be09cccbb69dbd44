import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { send } from '../support/http-client.js';
import { type RunningSample, startSample } from '../support/sample.js';

interface Lane {
  readonly state: string;
  readonly running: number;
  readonly elapsedMs: number;
}

interface Status {
  readonly report?: { readonly status: string; readonly reason?: string };
  readonly query: Lane;
  readonly request: Lane;
  readonly ranking: Lane;
}

describe('the report from PostgreSQL', () => {
  let sample: RunningSample;

  beforeAll(async () => {
    sample = await startSample('09-report-from-postgres');
  });
  // Not at once: it ends its own server.
  afterAll(() => sample.stop('SIGTERM'));

  const states = ({ query, request, ranking }: Status) =>
    [query, request, ranking].map(({ state }) => state);

  /** Asks until all three parts are in a state. */
  async function until(state: string): Promise<Status> {
    for (;;) {
      const status = await sample.json<Status>('/status');
      if (states(status).every((each) => each === state)) return status;
    }
  }

  it('stops its query, its request and its thread when the client leaves', async () => {
    const client = send(`${sample.url}/report?seconds=50`);
    expect(await until('running')).toMatchObject({
      report: { status: 'running' },
      query: { running: 1 },
      request: { running: 1 },
      ranking: { running: 1 },
    });
    client.destroy();
    expect(await until('stopped')).toMatchObject({
      report: { reason: 'disconnect' },
      query: { running: 0 },
      request: { running: 0 },
      ranking: { running: 0 },
    });
  });

  it('stops all three when it is canceled from the server, and when its time is up', async () => {
    const canceled = fetch(`${sample.url}/report?seconds=50`);
    await until('running');
    expect(await sample.json('/report', { method: 'DELETE' })).toEqual({ canceled: 1 });
    await canceled;
    expect(await until('stopped')).toMatchObject({ report: { reason: 'manual' } });

    const hurried = await fetch(`${sample.url}/report?seconds=50`, {
      headers: { 'x-request-timeout-ms': '1000' },
    });
    expect(hurried.status).toBe(504);
    let status = await sample.json<Status>('/status');
    while (status.report?.reason !== 'timeout') status = await sample.json('/status');
    expect(await until('stopped')).toMatchObject({ report: { reason: 'timeout' } });
  });

  it('is answered when nobody stops it', async () => {
    const rows = await sample.json<any[]>('/report?seconds=0.5');
    expect(rows.map(({ region }) => region).sort()).toEqual([
      'Center',
      'East',
      'North',
      'South',
      'West',
    ]);
    expect(rows[0]).toEqual({
      region: expect.any(String),
      sales: 2_000,
      usd: expect.any(Number),
      eur: expect.any(Number),
      leads: expect.any(Number),
    });
    expect(await until('done')).toMatchObject({ report: { status: 'completed' } });
  });

  it('serves its page, which asks nobody else for anything', async () => {
    const page = await (await fetch(sample.url)).text();
    expect(page).toContain('Cancel from the server');
    expect(page).not.toMatch(/(?:src|href)="?(?:https?:)?\/\//);
  });
});
