import { afterAll, beforeAll, it } from '@jest/globals';
import type { CancelationBus } from 'nestjs-cancelable';
import { checkCancelationBus } from 'nestjs-cancelable/testing';
import { describeWith, type RunningServer, startServer } from '../support/servers.js';

/** The suite of the port, over a server of its own. */
export function describeBus(title: string, create: (port: number) => CancelationBus): void {
  describeWith(['redis'], `redisBus() with ${title}`, () => {
    let server: RunningServer;
    beforeAll(async () => {
      server = await startServer('redis');
    });
    afterAll(() => server.stop());

    for (const { name, run } of checkCancelationBus(() => create(server.port))) it(name, run);
  });
}
