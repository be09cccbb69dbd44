import { describe, expect, it } from '@jest/globals';
import { filter, firstValueFrom } from 'rxjs';
import { adapters } from '../support/http-app.js';
import { get, post, send } from '../support/http-client.js';
import { startRecipe } from './support.js';

describe.each(adapters)('the recipe for a POST that must finish, on %s', (adapter) => {
  async function start() {
    const app = await startRecipe(adapter, 'finish-the-post');
    /** Resolves when a payment has come so far. */
    const reports = (message: string) =>
      firstValueFrom(
        app.registry.events$.pipe(
          filter(({ type }) => type === 'progress'),
          filter(({ operation }) => operation.progress?.message === message),
        ),
      );
    return { ...app, reports };
  }

  it('pays though the client leaves', async () => {
    const { url, reports, next, clientLeft, registry } = await start();
    const checking = reports('checking');
    const settled = next('settled', 'payments.pay');
    const request = send(`${url}/orders/7/payment`, { method: 'POST' });
    await checking;
    request.destroy();
    await clientLeft();
    expect(await settled).toMatchObject({ status: 'completed' });
    await registry.whenIdle();
    expect((await get(`${url}/orders/7/receipt`)).json()).toEqual({
      order: '7',
      receipt: 'receipt of 7',
    });
  });

  it('a cancel before the charge stops it', async () => {
    const { url, reports, registry } = await start();
    const checking = reports('checking');
    const answer = post(`${url}/orders/7/payment`, {});
    await checking;
    registry.cancelAll({});
    expect((await answer).status).toBe(503);
    expect((await get(`${url}/orders/7/receipt`)).status).toBe(404);
  });

  it('a cancel during the charge waits until it is done', async () => {
    const { url, reports, registry } = await start();
    const charging = reports('charging');
    const answer = post(`${url}/orders/7/payment`, {});
    await charging;
    registry.cancelAll({});
    expect((await answer).status).toBe(503);
    expect((await get(`${url}/orders/7/receipt`)).json()).toMatchObject({ order: '7' });
  });
});
