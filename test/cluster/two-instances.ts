import type { CancelationBus, OperationRegistry } from 'nestjs-cancelable';
import { startContext } from '../support/app-context.js';
import { startForTest } from '../support/servers.js';
import { type BusServer, createBus } from './buses.js';
import { newService, untilKnown } from './instances.js';
import { RemoteInstance } from './remote-instance.js';

/** An instance in this process. */
export async function startHere(
  service: string,
  bus: CancelationBus,
  instance = 'here',
): Promise<OperationRegistry> {
  const cluster = { bus, service, instance, heartbeat: '200ms' };
  return (await startContext({}, { cluster })).registry;
}

/** One instance here and one elsewhere, which know each other. */
export async function startTwo(bus: BusServer, clock: { readonly ahead?: number } = {}) {
  const server = await startForTest(bus);
  const service = newService();
  const registry = await startHere(service, createBus(bus, server.port));
  const other = await RemoteInstance.start(server, service, 'other', { bus, ...clock });
  await untilKnown([registry], 2);
  return { server, service, registry, other };
}

export const isComplete = (registry: OperationRegistry, expected: number) => async () => {
  const { complete, replied } = await registry.cluster.list();
  return complete && replied.length === expected;
};
