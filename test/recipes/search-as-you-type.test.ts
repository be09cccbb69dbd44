import { describe, expect, it } from '@jest/globals';
import { adapters } from '../support/http-app.js';
import { get } from '../support/http-client.js';
import { startRecipe } from './support.js';

describe.each(adapters)('the recipe for search as you type, on %s', (adapter) => {
  async function start() {
    const app = await startRecipe(adapter, 'search-as-you-type');
    const search = (user: string, query: string) =>
      get(`${app.url}/cities?q=${query}`, { headers: { 'x-user': user } });
    return { ...app, search };
  }

  it('a newer search replaces the one before of the same user', async () => {
    const { search, next, registry } = await start();
    const started = next('started', 'cities.search');
    const first = search('ada', 'p');
    await started;
    const second = search('ada', 'pa');
    expect((await second).json()).toEqual(['Paris', 'Parma', 'Patras']);
    const superseded = await first;
    expect(superseded.status).toBe(409);
    expect(superseded.json()).toMatchObject({ code: 'OPERATION_SUPERSEDED' });
    await registry.whenIdle();
    expect(registry.history({ name: 'cities.search' })).toMatchObject([
      { status: 'canceled', reason: 'parent' },
      { status: 'completed' },
    ]);
  });

  it('the searches of other users go on', async () => {
    const { search, next } = await start();
    const started = next('started', 'cities.search');
    const first = search('ada', 'po');
    await started;
    const second = search('grace', 'pr');
    expect((await first).json()).toEqual(['Porto']);
    expect((await second).json()).toEqual(['Prague']);
  });
});
