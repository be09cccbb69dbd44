import { expect, it } from '@jest/globals';
import { NestFactory } from '@nestjs/core';
import { type INestApplicationContext, Module } from '@nestjs/common';
import { CancelableModule, ClusterIncomplete, OperationRegistry } from 'nestjs-cancelable';
import { redisBus } from 'nestjs-cancelable/redis';
import { startContext } from '../support/app-context.js';
import { randomNumbers } from '../support/random.js';
import { describeWith, startForTest } from '../support/servers.js';
import { hang, newService, untilKnown } from './instances.js';
import { RemoteInstance } from './remote-instance.js';

const CANCELS = 1_000;
/** Longer than these take: `CHURN_SECONDS=60 npm test -- test/cluster/churn.test.ts`. */
const SECONDS = Number(process.env['CHURN_SECONDS'] ?? 0);
const CALLERS = 4;
const SLOTS = 17;
const PROCESSES = 3;

interface Slot {
  readonly app: INestApplicationContext;
  readonly registry: OperationRegistry;
}

describeWith(['redis'], 'instances that come and go', () => {
  const cancelOnce = async () => {
    const server = await startForTest('redis');
    const random = randomNumbers(3);
    const service = newService();
    const cluster = (instance: string) => ({
      bus: redisBus({ url: `redis://127.0.0.1:${server.port}` }),
      ...{ service, instance, heartbeat: '200ms' },
    });
    const { registry } = await startContext({}, { cluster: cluster('here') });
    /** How often each operation was canceled, whatever became of its instance. */
    const cancels = new Map<string, number>();
    let names = 0;
    let isOver = false;

    const startSlot = async (): Promise<Slot> => {
      @Module({
        imports: [
          CancelableModule.forRoot({
            cluster: cluster(`slot-${names++}`),
            shutdown: { grace: '1ms', cleanup: '1ms' },
          }),
        ],
      })
      class AppModule {}
      const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
      const own = app.get(OperationRegistry);
      own.events$.subscribe(({ type, operation: { id, reason } }) => {
        if (type === 'canceled' && reason === 'manual') cancels.set(id, (cancels.get(id) ?? 0) + 1);
      });
      return { app, registry: own };
    };
    const slots = await Promise.all(Array.from({ length: SLOTS }, startSlot));
    const remotes = await Promise.all(
      Array.from({ length: PROCESSES }, (_, index) =>
        RemoteInstance.start(server, service, `remote-${index}`),
      ),
    );
    await untilKnown([registry], 1 + SLOTS + PROCESSES);

    const comeAndGo = async () => {
      while (!isOver) {
        const index = Math.floor(random() * SLOTS);
        const { app } = slots[index]!;
        slots[index] = await startSlot();
        await app.close();
      }
    };
    const die = async () => {
      while (!isOver) {
        const index = Math.floor(random() * PROCESSES);
        await remotes[index]!.kill();
        remotes[index] = await RemoteInstance.start(server, service, `killed-${names++}`);
      }
    };
    const acknowledged: string[] = [];
    let [asked, unknown] = [0, 0];
    const end = performance.now() + 1_000 * SECONDS;
    const cancel = async () => {
      for (let count = 0; count < CANCELS / CALLERS || performance.now() < end; count++) {
        asked++;
        const slot = slots[Math.floor(random() * SLOTS)]!;
        let id: string;
        try {
          const operation = slot.registry.spawn('work', hang);
          operation.result.catch(() => {});
          id = operation.id;
        } catch {
          // It was just shutting down.
          continue;
        }
        try {
          const { canceled } = await registry.cluster.cancel(id, { timeout: '5s' });
          if (canceled) acknowledged.push(id);
        } catch (error) {
          expect(error).toBeInstanceOf(ClusterIncomplete);
          unknown++;
        }
      }
    };
    const going = [comeAndGo(), die()];
    await Promise.all(Array.from({ length: CALLERS }, cancel));
    isOver = true;
    await Promise.all(going);
    for (const { app } of slots) await app.close();

    expect(acknowledged.length).toBeGreaterThan(asked / 2);
    expect(unknown).toBeLessThan(asked / 10);
    expect(acknowledged.filter((id) => cancels.get(id) !== 1)).toEqual([]);
    expect([...cancels.values()].filter((times) => times !== 1)).toEqual([]);
  };
  it('cancel exactly once what they acknowledge', cancelOnce, 60_000 + 3_000 * SECONDS);

  it('acknowledge from another process what has happened there', async () => {
    const server = await startForTest('redis');
    const service = newService();
    const bus = redisBus({ url: `redis://127.0.0.1:${server.port}` });
    const cluster = { bus, service, heartbeat: '200ms', timeout: '30s' };
    const { registry } = await startContext({}, { cluster });
    const other = await RemoteInstance.start(server, service, 'other');
    await untilKnown([registry], 2);
    for (let count = 1; count <= 50; count++) {
      const id = await other.spawn('work');
      const both = await Promise.all([registry.cluster.cancel(id), registry.cluster.cancel(id)]);
      expect(both.filter(({ canceled }) => canceled)).toHaveLength(1);
      expect(await other.do('canceled')).toBe(count);
    }
  });
});
