import { expect, it } from '@jest/globals';
import { ClusterIncomplete } from 'nestjs-cancelable';
import { rejection } from '../support/deferred.js';
import { until } from '../support/open-bus.js';
import { describeWith } from '../support/servers.js';
import { BUS_SERVERS } from './buses.js';
import { hang } from './instances.js';
import { isComplete, startTwo } from './two-instances.js';

for (const bus of BUS_SERVERS) {
  describeWith([bus], `over ${bus}, an instance`, () => {
    it('that is killed is missed, and then gone with its operations', async () => {
      const { registry, other } = await startTwo(bus);
      const id = await other.spawn('import');
      expect((await registry.cluster.list()).operations.map((each) => each.id)).toEqual([id]);
      await other.kill();
      const during = await registry.cluster.list({}, { timeout: '100ms' });
      expect(during).toMatchObject({ complete: false, replied: ['here'], operations: [] });
      expect(during.expected).toEqual(['here', 'other']);
      // Asked while it is missed, answered once it is known to be gone.
      const canceled = await registry.cluster.cancel(id, { timeout: '30s' });
      expect(canceled).toMatchObject({ canceled: false, owner: undefined });
      await until(isComplete(registry, 1));
      const { instances } = await registry.cluster.instances();
      expect(instances.map((each) => each.id)).toEqual(['here']);
      expect(await registry.cluster.get(id)).toMatchObject({
        operation: undefined,
        complete: true,
      });
    });

    it('that is frozen is named, for as long as it is, and cancels when it wakes', async () => {
      const { registry, other } = await startTwo(bus);
      const id = await other.spawn('import');
      await other.freeze();
      for (let round = 0; round < 3; round++) {
        const answer = await registry.cluster.list({}, { timeout: '400ms' });
        expect(answer).toMatchObject({ complete: false, replied: ['here'] });
        expect(answer.expected).toEqual(['here', 'other']);
      }
      const { instances } = await registry.cluster.instances({ timeout: '100ms' });
      expect(instances).toContainEqual(expect.objectContaining({ id: 'other', replied: false }));
      const error = await rejection(registry.cluster.cancel(id, { timeout: '300ms' }));
      expect(error).toBeInstanceOf(ClusterIncomplete);
      expect((error as ClusterIncomplete).missing).toEqual(['other']);
      other.unfreeze();
      await until(async () => (await other.do('status', id)) === 'canceled');
      await until(isComplete(registry, 2));
      expect(await other.do('canceled')).toBe(1);
    });

    it('that has a custom id to look for names who did not answer', async () => {
      const { registry, other } = await startTwo(bus);
      await other.freeze();
      const error = await rejection(registry.cluster.cancel('order-17', { timeout: '200ms' }));
      expect(String(error)).toMatch(/no answer from other within 200 ms/);
      other.unfreeze();
      await until(isComplete(registry, 2));
      expect(await registry.cluster.cancel('order-17')).toMatchObject({ owner: undefined });
    });
  });

  describeWith([bus], `${bus}, when it fails`, () => {
    it('and is started again: local work goes on, answers are open, then complete', async () => {
      const { server, registry, other } = await startTwo(bus);
      const id = await other.spawn('import');
      await server.kill();
      const local = registry.spawn('local', hang);
      local.result.catch(() => {});
      const answer = await registry.cluster.list({}, { timeout: '300ms' });
      expect(answer).toMatchObject({ complete: false, replied: ['here'] });
      expect(answer.operations).toHaveLength(1);
      expect(await registry.run('work', () => Promise.resolve(1))).toBe(1);
      expect(await registry.cluster.cancel(local.id)).toMatchObject({ canceled: true });
      const error = await rejection(registry.cluster.cancel(id, { timeout: '300ms' }));
      expect(error).toBeInstanceOf(ClusterIncomplete);
      await server.restart();
      // Asked before, it is done once there is a way.
      await until(async () => (await other.do('status', id)) === 'canceled');
      await until(isComplete(registry, 2));
      expect(await other.do('canceled')).toBe(1);
    });

    it('by freezing: calls end in time, and it recovers', async () => {
      const { server, registry } = await startTwo(bus);
      await server.freeze();
      const local = registry.spawn('local', hang);
      local.result.catch(() => {});
      const answer = await registry.cluster.list({}, { timeout: '300ms' });
      expect(answer).toMatchObject({ complete: false, replied: ['here'] });
      expect(local.cancel()).toBe(true);
      server.unfreeze();
      await until(isComplete(registry, 2));
    });
  });
}
