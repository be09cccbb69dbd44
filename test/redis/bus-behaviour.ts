import { afterAll, beforeAll, describe, it } from '@jest/globals';
import type { CancelationBus } from 'nestjs-cancelable';
import { checkCancelationBus } from 'nestjs-cancelable/testing';
import { describeWith, type RunningServer, startServer } from '../support/servers.js';
import { startCluster } from './cluster.js';

type CreateBus = (port: number) => CancelationBus;

/** The suite of the port, over buses that are made in several ways. */
export function describeBus(title: string, ways: Readonly<Record<string, CreateBus>>): void {
  describeOver(title, ways, async () => [await startServer('redis')]);
}

/** The same, over a Redis Cluster. */
export function describeClusterBus(title: string, create: CreateBus): void {
  describeOver(title, { 'a cluster': create }, startCluster);
}

function describeOver(
  title: string,
  ways: Readonly<Record<string, CreateBus>>,
  start: () => Promise<RunningServer[]>,
): void {
  describeWith(['redis'], `redisBus() and ${title}`, () => {
    let servers: RunningServer[] = [];
    beforeAll(async () => {
      servers = await start();
    });
    afterAll(() => Promise.all(servers.map((server) => server.stop())));

    describe.each(Object.entries(ways))('by %s', (_way, create) => {
      const createBus = () => create(servers[0]!.port);
      for (const { name, run } of checkCancelationBus(createBus)) it(name, run);
    });
  });
}
