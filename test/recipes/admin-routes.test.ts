import { afterEach, describe, expect, it } from '@jest/globals';
import { adapters } from '../support/http-app.js';
import { get } from '../support/http-client.js';
import { startRecipe } from './support.js';

afterEach(() => {
  delete process.env['ADMIN_TOKEN'];
});

describe.each(adapters)('the recipe for admin routes, on %s', (adapter) => {
  /** With a report that is being built for each city. */
  async function start(...cities: string[]) {
    process.env['ADMIN_TOKEN'] = 'secret';
    const app = await startRecipe(adapter, 'admin-routes');
    const answers = [];
    for (const city of cities) {
      const started = app.next('started', 'reports.build');
      answers.push(get(`${app.url}/reports/${city}`));
      await started;
    }
    const admin = (path = '', method = 'GET', authorization = 'Bearer secret') =>
      get(`${app.url}/admin/operations${path}`, { method, headers: { authorization } });
    return { ...app, admin, answers };
  }

  it('lists what runs and what ended, to administrators only', async () => {
    const { admin, answers, registry } = await start('Paris');
    expect((await admin('', 'GET', 'Bearer secrex')).status).toBe(403);
    expect((await admin()).json()).toMatchObject([
      { kind: 'http', children: [{ name: 'reports.build', metadata: { city: 'Paris' } }] },
    ]);
    expect((await admin('?name=reports.build')).json()).toHaveLength(1);
    registry.cancelAll({});
    await answers[0];
    await registry.whenIdle();
    expect((await admin('/history?status=canceled')).json()).toMatchObject([
      { name: 'reports.build', reason: 'parent' },
      { kind: 'http', reason: 'manual' },
    ]);
    expect((await admin('/statistics')).json()).toMatchObject({ live: 0 });
  });

  it('stops one by its id, and all of a name', async () => {
    const { admin, answers, registry } = await start('Paris', 'Rome', 'Oslo');
    const [first] = registry.list({ kind: 'http' });
    expect((await admin(`/${first?.id}`, 'DELETE')).json()).toEqual({ stopped: 1 });
    expect((await answers[0])?.status).toBe(503);
    expect((await admin(`/${first?.id}`, 'DELETE')).status).toBe(404);
    expect((await admin('?name=reports.build&olderThan=1h', 'DELETE')).json()).toEqual({
      stopped: 0,
    });
    expect((await admin('?name=reports.build', 'DELETE')).json()).toEqual({ stopped: 2 });
    for (const answer of answers) expect((await answer).status).toBe(503);
  });

  it('stops nothing when the name is forgotten', async () => {
    const { admin, answers, registry } = await start('Paris');
    expect((await admin('', 'DELETE')).status).toBe(400);
    expect(registry.list({ name: 'reports.build' })).toHaveLength(1);
    registry.cancelAll({});
    await answers[0];
  });
});
