import { describe, expect, it } from '@jest/globals';
import { localBus } from 'nestjs-cancelable';
import { KeptAnswers } from '../../lib/cluster/kept-answers.js';
import { until } from '../support/open-bus.js';
import { hang, newService, startInstances } from './instances.js';
import { PlayedInstance } from './played-instance.js';
import { SOON, startWithPlayed } from './with-played.js';

describe('silent instances', () => {
  it('are looked for one look at a time, and together', async () => {
    const service = newService();
    let [looking, most] = [0, 0];
    const looks = new Map<string, number>();
    // A look takes longer than a heartbeat, as it does when an instance is frozen.
    const slow = () =>
      Object.assign(localBus(), {
        isHeard: async (channel: string) => {
          looks.set(channel, (looks.get(channel) ?? 0) + 1);
          most = Math.max(most, ++looking);
          await new Promise((resolve) => setTimeout(resolve, 300));
          looking--;
          return channel.endsWith('frozen');
        },
      });
    const [a] = await startInstances(1, { service, bus: slow });
    const played = await PlayedInstance.join(service);
    await played.leave();
    for (const id of ['frozen', 'killed']) await played.beatAs(id, 10);
    const names = async () =>
      (await a!.registry.cluster.instances({ timeout: '50ms' })).expected.join(' ');
    await until(async () => (await names()).includes('killed'));
    await until(async () => !(await names()).includes('killed'));
    expect(await names()).toBe('instance-0 frozen');
    expect(looks.get(`${service}:to:killed`)).toBe(2);
    expect(most).toBe(2);
  });
});

describe('what an instance is told of others', () => {
  it('is believed of those whom it does not know, as old as it is', async () => {
    const { registry, played, service } = await startWithPlayed();
    const own = registry.spawn('import', hang).id.slice(0, 8);
    const member = (id: string, every: number, ago: unknown) => ({
      ...{ id, name: id, live: 0, draining: false, every, ago },
      startedAt: '2026-11-29T22:00:00.000Z',
    });
    const others = [
      member('heard', 60_000, 1_000),
      member('ahead', 10, -1e9),
      member('old', 60_000, 1e9),
      member('garbage', 60_000, 'now'),
      { ...member(own, 60_000, 0), name: 'itself' },
    ];
    const { ago: _, ...self } = member('played', 60_000, 0);
    await played.send(`${service}:all`, 'beat', '', '', { ...self, others });
    await played.settle();
    const names = async () =>
      [...(await registry.cluster.instances(SOON)).expected].sort().join(' ');
    expect(await names()).toMatch(/heard/);
    await until(async () => !/ahead|old/.test(await names()));
    expect(await names()).toBe('heard instance-0 played');
  });
});

describe('the answer to a question that comes again and again', () => {
  it('stays the same, however long it is repeated', async () => {
    let now = 0;
    let acted = 0;
    const kept = new KeptAnswers<string>(() => now);
    const act = () => Promise.resolve(String(++acted));
    for (; now <= 200_000; now += 50_000) {
      expect(await kept.answer('again', act)).toBe('1');
      await kept.answer(`other-${now}`, () => Promise.resolve('other'));
    }
    now += 120_000;
    await kept.answer('other', () => Promise.resolve('other'));
    expect(await kept.answer('again', act)).toBe('2');
  });
});
