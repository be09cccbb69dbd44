import { describe, expect, it } from '@jest/globals';
import { adapters } from '../support/http-app.js';
import { get, OpenAnswer, send } from '../support/http-client.js';
import { startRecipe } from './support.js';

describe.each(adapters)('the recipe for a background import, on %s', (adapter) => {
  async function start() {
    const app = await startRecipe(adapter, 'background-import');
    const as = (user: string) => ({ headers: { 'x-user': user } });
    const begun = await get(`${app.url}/imports`, { method: 'POST', ...as('ada') });
    expect(begun.status).toBe(202);
    const { id } = begun.json() as { id: string };
    return { ...app, as, id, import: `${app.url}/imports/${id}` };
  }

  it('follows an import to its end', async () => {
    const { as, import: url, id } = await start();
    const answer = await OpenAnswer.of(send(`${url}/progress`, as('ada')));
    await answer.until('event: progress');
    await answer.until('event: settled');
    answer.response.destroy();
    expect((await get(url, as('ada'))).json()).toMatchObject({
      id,
      status: 'completed',
      progress: { current: 100, total: 100, percent: 100 },
    });
  });

  it('its owner stops it', async () => {
    const { as, import: url, registry } = await start();
    const stopped = await get(url, { method: 'DELETE', ...as('ada') });
    expect(stopped.json()).toEqual({ stopped: true });
    await registry.whenIdle({ name: 'import' });
    const state = (await get(url, as('ada'))).json();
    expect(state).toMatchObject({ status: 'canceled', reason: 'manual' });
    expect(JSON.stringify(state)).not.toMatch(/ada|owner/);
    expect(registry.history({ name: 'import' })).toMatchObject([
      { message: 'stopped by its owner', requestedBy: 'ada' },
    ]);
    expect((await get(url, { method: 'DELETE', ...as('ada') })).status).toBe(404);
  });

  it('it does not exist for anybody else', async () => {
    const { as, import: url, registry } = await start();
    const statuses = await Promise.all([
      get(url, as('grace')),
      get(`${url}/progress`, as('grace')),
      get(url, { method: 'DELETE', ...as('grace') }),
    ]);
    expect(statuses.map(({ status }) => status)).toEqual([404, 404, 404]);
    expect(registry.list({ name: 'import' })).toMatchObject([{ status: 'running' }]);
  });
});
