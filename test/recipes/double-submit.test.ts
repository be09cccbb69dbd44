import { describe, expect, it } from '@jest/globals';
import { adapters } from '../support/http-app.js';
import { get, post, send } from '../support/http-client.js';
import { startRecipe } from './support.js';

const as = (user: string, key: string) => ({
  headers: { 'x-user': user, 'idempotency-key': key },
});

describe.each(adapters)('the recipe for a double submit, on %s', (adapter) => {
  it('the second order is a conflict, a later one is not', async () => {
    const { url, next } = await startRecipe(adapter, 'double-submit');
    const order = () => post(`${url}/orders`, { item: 'tea' }, as('ada', '1'));
    const started = next('started', 'orders.place');
    const first = order();
    await started;
    const second = await order();
    expect([second.status, second.json().code]).toEqual([409, 'OPERATION_CONFLICT']);
    expect((await first).status).toBe(201);
    expect((await order()).status).toBe(201);
    expect((await post(`${url}/orders`, { item: 'tea' })).status).toBe(400);
  });

  it('the second payment gets the answer to the first', async () => {
    const { url, next, registry } = await startRecipe(adapter, 'double-submit');
    const started = next('started', 'orders.place');
    const lost = send(`${url}/payments`, {
      method: 'POST',
      body: '{"item":"tea"}',
      ...as('a', '1'),
    });
    await started;
    lost.destroy();
    const again = [1, 2].map(() => post(`${url}/payments`, { item: 'tea' }, as('a', '1')));
    const [one, two] = await Promise.all(again);
    expect(one?.json()).toMatchObject({ item: 'tea' });
    expect(two?.json()).toEqual(one?.json());
    await registry.whenIdle();
    expect(registry.history({ name: 'orders.place' })).toMatchObject([{ status: 'completed' }]);
  });

  it('the keys of different users never meet', async () => {
    const { url, next } = await startRecipe(adapter, 'double-submit');
    const started = next('started', 'orders.place');
    const first = post(`${url}/payments`, { item: 'tea' }, as('ada', '1'));
    await started;
    const other = await get(`${url}/payments`, {
      method: 'POST',
      body: '{"item":"milk"}',
      ...as('grace', '1'),
    });
    expect(other.json()).toMatchObject({ item: 'milk' });
    expect((await first).json()).toMatchObject({ item: 'tea' });
  });
});
