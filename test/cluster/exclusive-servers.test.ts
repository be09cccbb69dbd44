import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, it } from '@jest/globals';
import {
  type CancelationBus,
  type ClusterLeases,
  OperationConflict,
  type OperationRegistry,
} from 'nestjs-cancelable';
import { startContext } from '../support/app-context.js';
import { closeAfterTest } from '../support/close-after-test.js';
import { deferred, rejection } from '../support/deferred.js';
import { freezeProcess } from '../support/freeze-process.js';
import { until } from '../support/open-bus.js';
import { compiled } from '../support/plain-node.js';
import { describeWith, type RunningServer, startForTest } from '../support/servers.js';
import { BUS_SERVERS, type BusServer, createBus } from './buses.js';

const sync = {
  name: 'sync',
  exclusive: { onConflict: 'reject', scope: 'cluster' },
} as const;

const HOUR = 3_600_000;
const path = (file: string) => new URL(file, import.meta.url);

function startInstance(bus: CancelationBus, instance: string, lease: '1s' | '3s' = '1s') {
  return startContext({}, { cluster: { bus, service: 'reports', instance, lease } });
}

/** Another process that has the key, or waits for it. */
function startChild(bus: BusServer, { port }: RunningServer, ahead = 0) {
  const child = spawn(
    process.execPath,
    [
      '--import',
      path('../support/clock-ahead.mjs').href,
      compiled(path('exclusive.fixture.ts')),
      bus,
      String(port),
    ],
    {
      env: { ...process.env, CLOCK_AHEAD: String(ahead) },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  closeAfterTest(() => child.kill('SIGKILL'));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const nextLine = async () => (await lines.next()).value as string;
  return { child, nextLine };
}

/** Tries until the key is free. */
async function begin(registry: OperationRegistry): Promise<string> {
  for (;;) {
    try {
      return await registry.run(sync, () => 'ran');
    } catch (error) {
      if (!(error instanceof OperationConflict)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** Counts the leases that a bus has taken or renewed, and those that it could not. */
function countLeases({ leases }: CancelationBus) {
  const counts = { taken: 0, failed: 0 };
  const counted = leases as ClusterLeases;
  const acquire = counted.acquire.bind(counted);
  counted.acquire = async (...lease) => {
    try {
      const other = await acquire(...lease);
      if (other === undefined) counts.taken++;
      return other;
    } catch (error) {
      counts.failed++;
      throw error;
    }
  };
  return counts;
}

for (const bus of BUS_SERVERS) {
  describeWith([bus], `exclusive: { scope: 'cluster' } over ${bus}`, () => {
    it('frees the key of an instance that is killed, and not before', async () => {
      const server = await startForTest(bus);
      const { registry } = await startInstance(createBus(bus, server.port), 'here');
      const { child, nextLine } = startChild(bus, server);
      expect(await nextLine()).toBe('begun');
      const conflict = await rejection(registry.run(sync, () => 'ran'));
      expect(conflict.message).toBe('sync is running already for this key, in child');
      child.kill('SIGKILL');
      await once(child, 'exit');
      expect(await begin(registry)).toBe('ran');
    });

    it('cancels what was frozen for longer than its lease, if somebody else has the key', async () => {
      const server = await startForTest(bus);
      const { registry } = await startInstance(createBus(bus, server.port), 'here');
      const { child, nextLine } = startChild(bus, server);
      expect(await nextLine()).toBe('begun');
      await freezeProcess(child);
      // The key is free once its lease has run out.
      await begin(registry);
      const entered = deferred();
      const work = registry.spawn(sync, (operation) => {
        entered.resolve();
        return operation.sleep('1h');
      });
      await entered.promise;
      child.kill('SIGCONT');
      expect(await nextLine()).toBe(
        'superseded: the lease of sync was lost to here, which runs it now',
      );
      expect(work.status).toBe('running');
      work.cancel();
      await rejection(work.result);
    });

    it.each([HOUR, -HOUR])('does not mind a clock that is %s ms ahead', async (ahead) => {
      const server = await startForTest(bus);
      const one = startChild(bus, server);
      expect(await one.nextLine()).toBe('begun');
      const other = startChild(bus, server, ahead);
      expect(await other.nextLine()).toBe('sync is running already for this key, in child');
      one.child.kill('SIGKILL');
      expect(await other.nextLine()).toBe('begun');
      const { registry } = await startInstance(createBus(bus, server.port), 'here');
      expect(await rejection(registry.run(sync, () => 'ran'))).toBeInstanceOf(OperationConflict);
    });

    it('takes the lease anew from a server that was killed and has lost it', async () => {
      const server = await startForTest(bus);
      const [here, there] = [createBus(bus, server.port), createBus(bus, server.port)];
      const counts = countLeases(here);
      const { registry } = await startInstance(here, 'here', '3s');
      const other = await startInstance(there, 'there', '3s');
      const entered = deferred();
      const work = registry.spawn(sync, (operation) => {
        entered.resolve();
        return operation.sleep('1h');
      });
      await entered.promise;
      await server.kill();
      await until(() => counts.failed > 0);
      const before = counts.taken;
      await server.restart();
      await until(() => counts.taken > before);
      // The other one may still be connecting.
      const conflict = async () => {
        const error = await rejection(other.registry.run(sync, () => 'ran'));
        return error instanceof OperationConflict && error.message;
      };
      await until(
        async () => (await conflict()) === 'sync is running already for this key, in here',
      );
      expect(work.status).toBe('running');
      work.cancel();
      await rejection(work.result);
      expect(await begin(other.registry)).toBe('ran');
    });
  });
}
