import { randomUUID } from 'node:crypto';
import {
  type CancelationBus,
  type ClusterOptions,
  currentOperation,
  localBus,
  type OperationRegistry,
} from 'nestjs-cancelable';
import { type AppContext, startContext } from '../support/app-context.js';

/** A body that ends with its operation alone. */
export const hang = () => currentOperation().sleep('1h');

export interface Instance extends AppContext {
  readonly name: string;
}

/** A service that no other test shares. */
export function newService(): string {
  return `test-${randomUUID()}`;
}

/** Applications of one service, which know of each other. */
export async function startInstances(
  count: number,
  {
    bus = localBus,
    service = newService(),
    ...options
  }: Omit<Partial<ClusterOptions>, 'bus'> & { readonly bus?: () => CancelationBus } = {},
): Promise<Instance[]> {
  const instances: Instance[] = [];
  for (let index = 0; index < count; index++) {
    const name = `instance-${index}`;
    const cluster = {
      heartbeat: '100ms',
      timeout: '30s',
      ...options,
      bus: bus(),
      service,
      instance: name,
    };
    instances.push({ name, ...(await startContext({}, { cluster })) });
  }
  await untilKnown(
    instances.map(({ registry }) => registry),
    count,
  );
  return instances;
}

/** Until each of them knows of so many. */
export async function untilKnown(
  registries: readonly OperationRegistry[],
  count: number,
): Promise<void> {
  for (const registry of registries) {
    for (;;) {
      const { complete, instances } = await registry.cluster.instances();
      if (complete && instances.length === count) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
