import { describe, expect, it } from '@jest/globals';
import { localBus } from 'nestjs-cancelable';
import { hang, newService, untilKnown } from '../cluster/instances.js';
import { adapters } from '../support/http-app.js';
import { until } from '../support/open-bus.js';
import { type DashboardApp, NameGuard, OPEN, startDashboard } from './dashboard-app.js';

async function startTwo(
  adapter: (typeof adapters)[number],
  options = OPEN,
): Promise<readonly [DashboardApp, DashboardApp]> {
  const service = newService();
  const start = (instance: string) =>
    startDashboard(adapter, options, {
      cancelable: {
        cluster: { bus: localBus(), service, instance, heartbeat: '100ms', timeout: '2s' },
      },
    });
  const two = [await start('blue'), await start('green')] as const;
  await untilKnown(
    two.map(({ registry }) => registry),
    2,
  );
  return two;
}

describe.each(adapters)('The dashboard of one of two instances on %s', (adapter) => {
  it('lists and shows what runs in both, and says that all have answered', async () => {
    const [blue, green] = await startTwo(adapter);
    blue.registry.spawn('here', hang);
    const there = green.registry.spawn({ name: 'there', tags: ['far'] }, hang);

    expect(await blue.caller.names()).toEqual(['here']);
    const answer = { complete: true, expected: ['blue', 'green'], replied: ['blue', 'green'] };
    const all = (await blue.caller.get('/api/operations?instances=all&sort=name&order=asc')).json();
    expect(all).toMatchObject({
      total: 2,
      operations: [
        { name: 'here', instance: 'blue' },
        { name: 'there', instance: 'green' },
      ],
    });
    expect({
      ...all.answer,
      expected: all.answer.expected.sort(),
      replied: all.answer.replied.sort(),
    }).toEqual(answer);
    expect(await blue.caller.names('?instances=all&tag=far')).toEqual(['there']);
    const detail = (await blue.caller.get(`/api/operations/${there.id}?instances=all`)).json();
    expect(detail.operation).toMatchObject({ name: 'there', instance: 'green' });
    expect((await blue.caller.get(`/api/operations/${there.id}`)).status).toBe(404);
    const { instances } = (await blue.caller.get('/api/instances')).json();
    expect(instances.map(({ id }: any) => id).sort()).toEqual(['blue', 'green']);
    expect((await blue.caller.get('/api/info')).json()).toMatchObject({
      cluster: true,
      instance: 'blue',
    });
    const { statistics } = (await blue.caller.get('/api/statistics?instances=all')).json();
    expect(statistics.live).toBe(2);
  });

  it('cancels there, by id and by filter, and says who has asked', async () => {
    const [blue, green] = await startTwo(adapter);
    const there = green.registry.spawn('import', hang);
    const canceled = green.next('canceled');
    const body = { instances: 'all', message: 'enough' };

    const here = await blue.caller.post(`/api/operations/${there.id}/cancel`, {});
    expect(here.status).toBe(404);
    const one = await blue.caller.post(`/api/operations/${there.id}/cancel`, body);
    expect(one.json()).toMatchObject({ canceled: true });
    expect(await canceled).toMatchObject({ message: 'enough', requestedBy: 'anonymous' });
    // Nest's log is that of the application which was made last.
    expect(green.log.find('log', 'anonymous canceled import')).toHaveLength(1);

    for (let index = 0; index < 5; index++) green.registry.spawn('batch', hang);
    blue.registry.spawn('batch', hang);
    const filter = { name: 'batch' };
    const counted = await blue.caller.post('/api/cancelations', { filter, instances: 'all' });
    expect(counted.json()).toMatchObject({ count: 6, answer: { complete: true } });
    const done = await blue.caller.post('/api/cancelations', { filter, confirmed: 6, ...body });
    expect(done.json()).toMatchObject({ count: 6 });
    await until(() => green.registry.list().length + blue.registry.list().length === 0);
  });

  it('shows of both what the caller may see', async () => {
    const [blue, green] = await startTwo(adapter, {
      guards: [NameGuard],
      canRead: ({ metadata }, { user }) => metadata['owner'] === (user as { id: string }).id,
    });
    green.registry.spawn({ name: 'anns', metadata: { owner: 'ann' } }, hang);
    const bobs = green.registry.spawn({ name: 'bobs', metadata: { owner: 'bob' } }, hang);

    expect(await blue.as('ann').names('?instances=all')).toEqual(['anns']);
    const detail = await blue.as('ann').get(`/api/operations/${bobs.id}?instances=all`);
    expect(detail.status).toBe(404);
    const body = { instances: 'all' };
    const cancel = await blue.as('ann').post(`/api/operations/${bobs.id}/cancel`, body);
    expect(cancel.status).toBe(404);
    const many = await blue.as('ann').post('/api/cancelations', { filter: {}, ...body });
    expect(many.json().count).toBe(1);
    expect(bobs.status).toBe('running');
  });
});
