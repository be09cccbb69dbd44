import http from 'node:http';
import { afterAll, describe, expect, it } from '@jest/globals';
import { outgoingHttp } from 'nestjs-cancelable/http';
import * as undici from 'undici';
import { startContext } from '../support/app-context.js';
import { startUpstream } from './upstream.js';

const REQUESTS = 5_000;
const AT_ONCE = 100;

const agent = new http.Agent({ keepAlive: true, maxSockets: AT_ONCE });
const pool = new undici.Agent({ connections: AT_ONCE });

const askers: Record<string, (url: string) => Promise<unknown>> = {
  'node:http': (url) =>
    new Promise((resolve, reject) => {
      const request = http.get(url, { agent }, (response) => {
        response.on('error', reject).resume().once('end', resolve);
      });
      request.once('error', reject);
    }),
  undici: async (url) => (await undici.request(url, { dispatcher: pool })).body.text(),
};

describe.each(Object.entries(askers))(`${REQUESTS} canceled requests of %s`, (_, ask) => {
  it('leave no socket and no listener behind, and the pool usable', async () => {
    const { registry } = await startContext({}, { extensions: [outgoingHttp()] });
    const upstream = await startUpstream();
    let canceled = 0;
    const one = async (index: number) => {
      const path = ['/hang', '/stall', '/answer'][index % 3];
      let after = () => {};
      const work = registry.run('ask', (operation) => {
        after = () => operation.cancel();
        return ask(`${upstream.url}${path}`);
      });
      // Some are canceled before they are sent, some while they wait, some while they read.
      if (index % 7 === 0) after();
      else if (index % 3 !== 2) void upstream.next().then(after);
      await work.catch((error: unknown) => {
        canceled++;
        if ((error as Error).name !== 'AbortError') throw error;
      });
    };
    let next = 0;
    const worker = async () => {
      while (next < REQUESTS) await one(next++);
    };
    // The request that arrives next is not always the worker's own: each cancels one of all.
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    expect(canceled).toBeGreaterThan(REQUESTS / 2);
    expect(await registry.whenIdle()).toBeUndefined();
    for (let index = 0; index < AT_ONCE; index++) await ask(`${upstream.url}/after`);
    expect(Object.keys(agent.requests)).toEqual([]);
    expect(upstream.connections.size).toBeLessThanOrEqual(AT_ONCE);
    expect(registry.list()).toEqual([]);
  });
});

afterAll(async () => {
  agent.destroy();
  await pool.destroy();
});
