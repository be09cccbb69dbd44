import { afterEach, describe, expect, it } from '@jest/globals';
import { rejection } from '../support/deferred.js';
import { adapters } from '../support/http-app.js';
import { get, send } from '../support/http-client.js';
import { startRecipe } from './support.js';

const VARIABLES = ['REQUEST_TIMEOUT', 'REPORT_TIMEOUT', 'EXPORT_TIMEOUT', 'MAX_TIMEOUT'];

afterEach(() => {
  for (const name of VARIABLES) delete process.env[name];
});

describe.each(adapters)('the recipe for timeouts from the configuration, on %s', (adapter) => {
  const start = (env: Record<string, string>) => {
    Object.assign(process.env, env);
    return startRecipe(adapter, 'timeouts-from-config');
  };

  it('each route has the timeout of its variable', async () => {
    const { url, registry, next } = await start({
      REQUEST_TIMEOUT: '1h',
      REPORT_TIMEOUT: '2h',
      EXPORT_TIMEOUT: '3h',
      MAX_TIMEOUT: '4h',
    });
    for (const path of ['Paris', 'Paris/export']) {
      const started = next('started', 'reports.build');
      send(`${url}/reports/${path}`);
      await started;
    }
    await get(`${url}/reports/Paris/summary`);
    const live = registry.list({ kind: 'http' }).map((operation) => operation.snapshot());
    const hours = [...live, ...registry.history({ kind: 'http' })].map(
      ({ name, startedAt, deadline }) => [
        name,
        Math.round((Date.parse(String(deadline)) - Date.parse(startedAt)) / 3_600_000),
      ],
    );
    expect(Object.fromEntries(hours)).toEqual({
      'GET /reports/:city': 2,
      'GET /reports/:city/export': 3,
      'GET /reports/:city/summary': 1,
    });
    expect(registry.list({ tag: 'report', kind: 'http' })).toHaveLength(1);
  });

  it('a value that changes holds for the next call', async () => {
    const { url, next } = await start({ EXPORT_TIMEOUT: '2m' });
    process.env['EXPORT_TIMEOUT'] = '30ms';
    const settled = next('settled', 'GET /reports/:city/export');
    expect((await get(`${url}/reports/Paris/export`)).status).toBe(504);
    expect(await settled).toMatchObject({ reason: 'timeout' });
  });

  it('a value that is no duration stops the start-up', async () => {
    const error = await rejection(start({ REPORT_TIMEOUT: '120' }));
    expect(String(error)).toContain("'120'");
  });
});
