import { describe, expect, it } from '@jest/globals';
import { currentOperation } from 'nestjs-cancelable';
import { hang } from '../cluster/instances.js';
import { deferred, turn } from '../support/deferred.js';
import { adapters } from '../support/http-app.js';
import { startDashboard } from './dashboard-app.js';

/** Times are told in whole milliseconds, and estimated to half of one. */
async function untilLater(): Promise<void> {
  for (const now = Date.now(); Date.now() < now + 3;) await turn();
}

describe.each(adapters)('The API of the dashboard on %s', (adapter) => {
  it('lists what runs, newest first, as it is', async () => {
    const { caller, registry } = await startDashboard(adapter);
    registry.spawn({ name: 'first', tags: ['blue'] }, hang);
    const second = registry.spawn({ name: 'second', metadata: { owner: 'ann' } }, () => {
      currentOperation().reportProgress({ current: 1, total: 4 });
      return hang();
    });
    await Promise.resolve();

    const answer = await caller.get('/api/operations');

    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.json()).toMatchObject({
      total: 2,
      operations: [
        {
          id: second.id,
          name: 'second',
          status: 'running',
          metadata: { owner: 'ann' },
          progress: { current: 1, total: 4, percent: 25 },
          cancelable: true,
        },
        { name: 'first', tags: ['blue'] },
      ],
    });
  });

  it('filters', async () => {
    const { caller, registry } = await startDashboard(adapter);
    registry.spawn({ name: 'import', tags: ['nightly'], metadata: { owner: 'Ann' } }, hang);
    registry.spawn({ name: 'export', kind: 'job', timeout: '1h' }, hang);
    const stopping = registry.spawn('stopping', () => new Promise<void>(() => {}));
    stopping.cancel();

    expect(await caller.names('?name=import')).toEqual(['import']);
    expect(await caller.names('?tag=nightly')).toEqual(['import']);
    expect(await caller.names('?kind=job')).toEqual(['export']);
    expect(await caller.names('?kind=job,task&sort=name&order=asc')).toEqual([
      'export',
      'import',
      'stopping',
    ]);
    expect(await caller.names('?kind=job,cron')).toEqual(['export']);
    expect(await caller.names('?status=canceling')).toEqual(['stopping']);
    expect(await caller.names('?reason=manual')).toEqual(['stopping']);
    expect(await caller.names('?text=ann')).toEqual(['import']);
    expect(await caller.names('?text=PORT&sort=name&order=asc')).toEqual(['export', 'import']);
    expect(await caller.names('?olderThan=1h')).toEqual([]);
    expect(await caller.names('?olderThan=0')).toHaveLength(3);
    expect(await caller.names('?zombie=true')).toEqual([]);
    expect(await caller.names(`?rootId=${stopping.id}`)).toEqual(['stopping']);
  });

  it('sorts and pages', async () => {
    const { caller, registry } = await startDashboard(adapter);
    for (const name of ['b', 'd', 'a', 'c', 'e']) registry.spawn(name, hang);

    expect(await caller.names('?sort=name&order=asc&limit=2')).toEqual(['a', 'b']);
    expect(await caller.names('?sort=name&order=desc&offset=1&limit=2')).toEqual(['d', 'c']);
    expect(await caller.names('?limit=2')).toEqual(['e', 'c']);
    expect(await caller.names('?order=asc&limit=2')).toEqual(['b', 'd']);
    const page = (await caller.get('/api/operations?limit=2&offset=2')).json();
    expect(page).toMatchObject({ total: 5, next: 4 });
    const last = (await caller.get('/api/operations?limit=2&offset=4')).json();
    expect(last.next).toBeUndefined();
    expect(last.operations).toHaveLength(1);
    // Whoever follows it would never come to an end.
    expect((await caller.get('/api/operations?limit=0')).json()).toEqual({
      operations: [],
      total: 5,
    });
  });

  it.each([
    'colour=blue',
    'status=sleeping',
    'kind=',
    'limit=10001',
    'limit=-1',
    'offset=x',
    'sort=id',
    'order=up',
    'olderThan=soon',
    'zombie=1',
    'instances=some',
    `text=${'x'.repeat(257)}`,
    '__proto__=1',
    'constructor=1',
  ])('refuses %s, and says what is allowed', async (query) => {
    const { caller } = await startDashboard(adapter);

    const answer = await caller.get(`/api/operations?${query}`);

    expect(answer.status).toBe(400);
    expect(answer.json().message).toMatch(/Allowed|has to be/);
  });

  it('shows one with its relatives, sources and what it has saved', async () => {
    const { caller, registry } = await startDashboard(adapter);
    const ids: Record<string, string> = {};
    const isRunning = deferred<void>();
    registry.spawn({ name: 'root', timeout: '1h' }, async () => {
      ids['root'] = currentOperation().id;
      await registry.run('done', () => (ids['done'] = currentOperation().id));
      await registry.run('middle', async () => {
        const operation = currentOperation();
        ids['middle'] = operation.id;
        operation.savePartial({ rows: 3 });
        await registry.run('leaf', () => {
          ids['leaf'] = currentOperation().id;
          isRunning.resolve();
          return hang();
        });
      });
    });
    await isRunning.promise;

    const middle = (await caller.get(`/api/operations/${ids['middle']}`)).json();
    expect(middle.operation).toMatchObject({ name: 'middle', partialResult: { rows: 3 } });
    expect(middle.ancestors.map(({ name }: any) => name)).toEqual(['root']);
    expect(middle.descendants.map(({ name }: any) => name)).toEqual(['leaf']);
    expect(middle.sources).toEqual(['deadline', 'parent']);
    const root = (await caller.get(`/api/operations/${ids['root']}`)).json();
    const below = root.descendants.map(({ name }: any) => name);
    expect(below.toSorted()).toEqual(['done', 'leaf', 'middle']);
    // Siblings may have begun in the same millisecond; what is below another comes after it.
    expect(below.indexOf('leaf')).toBe(below.indexOf('middle') + 1);
    const leaf = (await caller.get(`/api/operations/${ids['leaf']}`)).json();
    expect(leaf.ancestors.map(({ name }: any) => name)).toEqual(['root', 'middle']);
    expect((await caller.get('/api/operations/none')).status).toBe(404);
  });

  it('cancels one, and says who, why and from where: in the log, on events$ and in the history', async () => {
    const { caller, registry, log, next } = await startDashboard(adapter);
    const operation = registry.spawn('import', hang);
    const canceled = next('canceled');
    const settled = next('settled');

    const answer = await caller.post(`/api/operations/${operation.id}/cancel`, {
      message: 'not needed\nany more',
    });

    expect(answer.json()).toEqual({ canceled: true });
    const facts = {
      reason: 'manual',
      message: 'not needed\nany more',
      requestedBy: 'anonymous',
      requestedFrom: 'the dashboard, from 127.0.0.1',
    };
    expect(await canceled).toMatchObject(facts);
    await settled;
    const { operations } = (await caller.get('/api/history')).json();
    expect(operations).toMatchObject([facts]);
    expect(log.find('log', 'anonymous canceled import')).toEqual([
      `anonymous canceled import (${operation.id}), from 127.0.0.1 CancelableDashboard`,
    ]);

    const again = await caller.post(`/api/operations/${operation.id}/cancel`, {});
    expect(again.json()).toEqual({ canceled: false });
    expect((await caller.post('/api/operations/none/cancel', {})).status).toBe(404);
  });

  it('cancels by filter what was counted and confirmed, and no more', async () => {
    const { caller, registry, collect, log } = await startDashboard(adapter);
    for (let index = 0; index < 3; index++) registry.spawn('import', hang);
    registry.spawn('export', hang);
    const filter = { name: 'import' };

    expect((await caller.post('/api/cancelations', { filter })).json()).toEqual({ count: 3 });
    expect(registry.list({ status: 'running' })).toHaveLength(4);

    registry.spawn('import', hang);
    const tooMany = await caller.post('/api/cancelations', { filter, confirmed: 3 });
    expect(tooMany.status).toBe(409);
    expect(tooMany.json().count).toBe(4);
    expect(registry.list({ status: 'running' })).toHaveLength(5);

    const settled = collect('settled', 4);
    const done = await caller.post('/api/cancelations', { filter, confirmed: 4, message: 'stop' });
    expect(done.json()).toEqual({ count: 4 });
    for (const snapshot of await settled) {
      expect(snapshot).toMatchObject({ name: 'import', message: 'stop', requestedBy: 'anonymous' });
    }
    expect(registry.list().map(({ name }) => name)).toEqual(['export']);
    expect(log.find('log', 'anonymous canceled import')).toHaveLength(4);
    expect(log.find('log', 'anonymous canceled by filter, 4 in all')).toHaveLength(1);
  });

  it('needs a filter to cancel by, and a count that was shown', async () => {
    const { caller, registry } = await startDashboard(adapter);
    registry.spawn('import', hang);
    for (const body of [
      {},
      { filter: { colour: 'blue' } },
      { filter: { name: 'import' }, confirmed: 'all' },
      { filter: { name: 'import' }, confirmed: -1 },
      { filter: { name: 'import' }, confirmed: 1, message: 'x'.repeat(501) },
      { filter: { name: 'import' }, force: true },
      { filter: [] },
    ]) {
      expect((await caller.post('/api/cancelations', body)).status).toBe(400);
    }
    expect(registry.list({ status: 'running' })).toHaveLength(1);
    const nothing = await caller.post('/api/cancelations', { filter: {} });
    expect(nothing.json()).toEqual({ count: 1 });
  });

  it('remembers what ended', async () => {
    const { caller, registry } = await startDashboard(adapter);
    await registry.run('fine', () => 1);
    await expect(
      registry.run('broken', () => {
        throw new RangeError('too far');
      }),
    ).rejects.toThrow();

    const { operations, total } = (await caller.get('/api/history?sort=name&order=asc')).json();
    expect(total).toBe(2);
    expect(operations).toMatchObject([
      { name: 'broken', status: 'failed', error: { name: 'RangeError', message: 'too far' } },
      { name: 'fine', status: 'completed', cancelable: false },
    ]);
    const failed = (await caller.get('/api/history?status=failed')).json();
    expect(failed.operations.map(({ name }: any) => name)).toEqual(['broken']);
  });

  it('shows first what ended last', async () => {
    const { caller, registry } = await startDashboard(adapter);
    const gate = deferred();
    const long = registry.run('long', () => gate.promise);
    for (const name of ['first', 'second']) {
      await untilLater();
      await registry.run(name, () => 1);
    }
    await untilLater();
    gate.resolve();
    await long;
    for (const [query, names] of [
      ['', ['long', 'second', 'first']],
      ['?sort=startedAt&order=asc', ['long', 'first', 'second']],
      ['?order=asc&limit=2', ['first', 'second']],
    ] as const) {
      const { operations } = (await caller.get(`/api/history${query}`)).json();
      expect(operations.map(({ name }: any) => name)).toEqual(names);
    }
  });

  it('counts, since the start and in spans of time', async () => {
    const { caller, registry, next } = await startDashboard(adapter);
    await registry.run('fine', () => 1);
    const settled = next('settled', 'stopped');
    registry.spawn('stopped', hang).cancel();
    await settled;

    const { statistics, samples } = (await caller.get('/api/statistics')).json();
    expect(statistics).toMatchObject({ byStatus: { completed: 1, canceled: 1 }, live: 0 });
    const sample = samples.at(-1);
    expect(sample).toMatchObject({
      started: 2,
      completed: 1,
      canceled: 1,
      failed: 0,
      live: 0,
      byReason: { manual: 1 },
    });
    expect(sample.duration.p99).toBeGreaterThan(0);
    expect(sample.cancelLatency.p99).toBeGreaterThan(0);
  });

  it('says where the application stands', async () => {
    const { caller, registry } = await startDashboard(adapter, {
      allowAnonymous: true,
      title: 'Work',
    });
    const { id } = registry.spawn('import', hang);
    expect((await caller.get('/api/info')).json()).toEqual({
      title: 'Work',
      instance: id.split('-')[0],
      cluster: false,
      statistics: true,
      draining: false,
      now: expect.any(Number),
    });
  });
});
