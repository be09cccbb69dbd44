import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { get, type IncomingMessage, request } from 'node:http';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { OperationSnapshot } from 'nestjs-cancelable';
import { type RunningSample, startSample } from '../support/sample.js';

interface Page {
  readonly operations: readonly OperationSnapshot[];
}

describe.each(['express', 'fastify'])('the showcase on %s', (adapter) => {
  let sample: RunningSample;
  let url: string;

  beforeAll(async () => {
    sample = await startSample('01-showcase', { ADAPTER: adapter });
    ({ url } = sample);
  });
  afterAll(() => sample.stop());

  const json = <Body>(path: string, init?: RequestInit) => sample.json<Body>(path, init);

  /** The history is written when the work has stopped, not when the client has left. */
  async function remembered(name: string, status?: string): Promise<OperationSnapshot> {
    for (;;) {
      const { operations } = await json<Page>('/operations/api/history?limit=100');
      const found = operations.find(
        (one) => one.name === name && (status === undefined || one.status === status),
      );
      if (found !== undefined) return found;
    }
  }

  it('explains itself with lines to paste', async () => {
    const text = await (await fetch(url)).text();
    expect(text).toContain(`curl -N '${url}/cities/around`);
  });

  it('stops a report when the client leaves, and remembers how many rows it got', async () => {
    const client = get(`${url}/cities/around?radius=1000&pace=1ms`);
    const [response] = (await once(client, 'response')) as [IncomingMessage];
    let rows = 0;
    const lines = createInterface({ input: response }).on('error', () => {});
    while (rows < 10) {
      const [line] = (await once(lines, 'line')) as [string];
      expect(JSON.parse(line)).toMatchObject({ km: expect.any(Number) });
      rows++;
    }
    client.destroy();
    const operation = await remembered('GET /cities/around');
    expect(operation).toMatchObject({ status: 'canceled', reason: 'disconnect', returned: false });
    expect((operation.partialResult as { count: number }).count).toBeGreaterThanOrEqual(rows);
  });

  it('answers 504 when two seconds of computation were not enough', async () => {
    // A busy machine may need longer than two seconds to read the file alone.
    const small = await json('/cities/nearest/LI?seconds=60');
    expect(small).toEqual({ country: 'LI', cities: 14, meanNearestKm: expect.any(Number) });
    const large = await fetch(`${url}/cities/nearest/US`);
    expect(large.status).toBe(504);
    expect(await large.json()).toMatchObject({ code: 'OPERATION_TIMEOUT' });
    expect(await remembered('cities.nearest', 'canceled')).toMatchObject({ reason: 'parent' });
  });

  it('stops a search that its client dropped for the next', async () => {
    const dropped = request(`${url}/cities/search?q=zzzz`).on('error', () => {});
    dropped.end();
    await once(dropped, 'socket');
    const paths = async () =>
      (await json<Page>('/operations/api/operations')).operations.map(({ name }) => name);
    while (!(await paths()).includes('GET /cities/search'));
    dropped.destroy();
    const found = await json<{ name: string }[]>('/cities/search?q=san%20f');
    expect(found).toHaveLength(20);
    expect(found[0]?.name).toMatch(/^San F/);
    expect(await remembered('cities.search', 'canceled')).toMatchObject({ reason: 'parent' });
  });

  it('follows and cancels an import by its id', async () => {
    const { id } = await json<{ id: string }>('/imports', { method: 'POST' });
    const client = get(`${url}/imports/${id}/progress`);
    const [response] = (await once(client, 'response')) as [IncomingMessage];
    let lastEvent = '';
    for await (const line of createInterface({ input: response })) {
      if (!line.startsWith('event: ')) continue;
      lastEvent = line.slice('event: '.length);
      if (lastEvent === 'progress') {
        await json(`/imports/${id}`, { method: 'DELETE' });
      }
    }
    expect(lastEvent).toBe('settled');
    expect(await json(`/imports/${id}`)).toEqual({
      id,
      name: 'import',
      status: 'canceled',
      reason: 'manual',
      code: 'OPERATION_MANUAL',
      startedAt: expect.any(String),
      endedAt: expect.any(String),
      canceledAt: expect.any(String),
      deadline: expect.any(String),
      durationMs: expect.any(Number),
      progress: expect.objectContaining({ percent: expect.any(Number) }),
    });
    expect(await remembered('import')).toMatchObject({ id, message: 'stop pressed' });
    expect(await json('/operations/api/statistics')).toMatchObject({ statistics: { zombies: 0 } });
  });

  it('tells Prometheus what the dashboard of Grafana asks for', async () => {
    const { id } = await json<{ id: string }>('/imports', { method: 'POST' });
    await json(`/imports/${id}`, { method: 'DELETE' });
    await remembered('import', 'canceled');
    const scrape = await (await fetch(`${url}/metrics`)).text();
    // A gauge without values has its name alone.
    const metrics = new Set(scrape.match(/(?<=^(?:# TYPE )?)cancelable_\w+/gm));
    const grafana = readFileSync('grafana/nestjs-cancelable.json', 'utf8');
    const asked = new Set(grafana.match(/\bcancelable_\w+/g));
    const labels = [...asked].filter((name) => !metrics.has(name));
    expect(asked.size - labels.length).toBeGreaterThanOrEqual(6);
    for (const label of labels) expect(scrape).toMatch(new RegExp(`[{,]${label}="`));
  });

  it('has a page with buttons for a browser, each of which starts something', async () => {
    const html = await (await fetch(url, { headers: { accept: 'text/html' } })).text();
    const starts = [...html.matchAll(/data-start="(demo\/\w+)"/g)].map(([, path]) => path);
    expect(starts).toHaveLength(7);
    for (const path of starts) {
      expect(await json(`/${path}`, { method: 'POST' })).toEqual({ started: path?.slice(5) });
    }
    const live = await json<Page>('/operations/api/operations?limit=1000');
    const names = new Set(live.operations.map(({ name }) => name));
    for (const name of ['report', 'report.read', 'slow search', 'thumbnail', 'autosave']) {
      expect(names).toContain(name);
    }
    const headers = { 'content-type': 'application/json' };
    const cancelAll = (confirmed?: number) =>
      json<{ count: number }>('/operations/api/cancelations', {
        method: 'POST',
        headers,
        body: JSON.stringify({ filter: {}, confirmed }),
      });
    const { count } = await cancelAll();
    expect(count).toBeGreaterThanOrEqual(45);
    expect((await cancelAll(count + 20)).count).toBeGreaterThanOrEqual(45);
  });
});
