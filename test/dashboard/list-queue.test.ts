import { describe, expect, it } from '@jest/globals';
import { hang } from '../cluster/instances.js';
import { deferred } from '../support/deferred.js';
import { adapters } from '../support/http-app.js';
import { send } from '../support/http-client.js';
import { ListQueue } from '../../lib/dashboard/list-queue.js';
import { startDashboard } from './dashboard-app.js';

/** Those that wait in a queue. */
function waitingIn(queue: ListQueue): number {
  return (queue as unknown as { waiting: unknown[] }).waiting.length;
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}

const PLACES = 50;

describe.each(adapters)('Searches in the dashboard on %s', (adapter) => {
  /** A dashboard whose places for lists are all taken, until they are given back. */
  async function startBusy() {
    const started = await startDashboard(adapter);
    started.registry.spawn('import', hang);
    const queue = started.app.get(ListQueue, { strict: false });
    const done = deferred<void>();
    const request = { headers: {} };
    const busy = [1, 2].map(() => queue.run(request, () => done.promise));
    const giveBack = async () => {
      done.resolve();
      await Promise.all(busy);
    };
    return { ...started, queue, giveBack };
  }

  it('wait for their turn, up to a number, and are refused beyond it', async () => {
    const { caller, queue, giveBack } = await startBusy();
    const searches = Array.from({ length: PLACES }, () => caller.get('/api/operations?text=imp'));
    await until(() => waitingIn(queue) === PLACES);

    const refused = [
      await caller.get('/api/operations?text=imp'),
      await caller.get('/api/operations?limit=10000'),
      await caller.get('/api/history'),
      await caller.post('/api/cancelations', { filter: { name: 'import' } }),
    ];
    expect(refused.map(({ status }) => status)).toEqual([503, 503, 503, 503]);
    expect(refused[0]?.json().message).toBe(
      '50 lists are waited for already; ask again in a moment',
    );
    // The page of the newest looks at nothing else.
    expect(await caller.names()).toEqual(['import']);

    await giveBack();
    for (const answer of await Promise.all(searches)) {
      expect(answer.json()).toMatchObject({ total: 1 });
    }
    expect(await caller.names('?text=imp')).toEqual(['import']);
  });

  it('lose their place when their client leaves', async () => {
    const { caller, queue, giveBack } = await startBusy();
    const leaving = Array.from({ length: PLACES }, () => {
      const request = send(`${caller.base}/api/operations?text=imp`, {});
      request.on('error', () => {});
      return request;
    });
    await until(() => waitingIn(queue) === PLACES);
    for (const request of leaving) request.destroy();
    await until(() => isAllGone(queue));

    const search = caller.names('?text=imp');
    await until(() => waitingIn(queue) === 1);
    await giveBack();
    expect(await search).toEqual(['import']);
  });

  it('give their place back when they fail', async () => {
    const { caller, queue, giveBack } = await startBusy();
    await giveBack();
    for (let index = 0; index < 3; index++) {
      const failing = queue.run({ headers: {} }, () => Promise.reject(new Error('no')));
      await expect(failing).rejects.toThrow('no');
    }
    expect(await caller.names('?text=imp')).toEqual(['import']);
  });
});

interface Waiting {
  readonly request: { readonly socket: { readonly destroyed: boolean } };
}

function isAllGone(queue: ListQueue): boolean {
  const { waiting } = queue as unknown as { waiting: Waiting[] };
  return waiting.every(({ request }) => request.socket.destroyed);
}
