import { expect, it } from '@jest/globals';
import type { CancelationBus } from 'nestjs-cancelable';
import { closeAfterTest } from './close-after-test.js';
import { rejection } from './deferred.js';
import { OpenBus, succeeds, until } from './open-bus.js';
import { type RunningServer, type ServerName, startForTest } from './servers.js';

type CreateBus = (server: RunningServer) => CancelationBus | Promise<CancelationBus>;

/** What every bus over a server does when that is killed, frozen, or not there. */
export function itOutlivesItsServer(name: ServerName, create: CreateBus): void {
  const open = async (server: RunningServer) => (await OpenBus.open(await create(server))).listen();

  it('listens again once a server that was killed is back, and says so', async () => {
    const server = await startForTest(name);
    const [one, other] = [await open(server), await open(server)];
    await one.publish('before');
    await until(() => other.heard.includes('before'));
    await server.kill();
    await until(async () => !(await succeeds(() => one.publish('lost'))()));
    const { message } = await rejection(one.publish('lost'));
    expect(message).toMatch(new RegExp(`^${name}Bus\\(\\): publish\\(\\)`));
    await rejection(one.bus.isHeard('channel'));
    for (const call of leaseCalls(one)) await rejection(call);
    await one.listen('meanwhile');
    await server.restart();
    await until(() => one.recovered === 1 && other.recovered === 1);
    await one.publish('after');
    await other.bus.publish('meanwhile', 'new');
    await until(() => other.heard.includes('after') && one.heard.includes('new'));
    expect(await one.bus.isHeard('channel')).toBe(true);
    expect(one.log.warnings.length).toBeGreaterThan(0);
    expect(new Set(one.log.warnings).size).toBe(one.log.warnings.length);
    expect(one.log.errors).toEqual([]);
  });

  it('fails in time while its server is frozen, and goes on with it', async () => {
    const server = await startForTest(name);
    const one = await open(server);
    await server.freeze();
    closeAfterTest(() => server.unfreeze());
    const began = performance.now();
    const calls = [one.publish('frozen'), one.bus.isHeard('channel'), ...leaseCalls(one)];
    for (const call of calls) await rejection(call);
    expect(performance.now() - began).toBeLessThan(10_000);
    // It notices by itself, and lets go of connections that look alive.
    await until(() => one.log.warnings.length > 0);
    expect(one.log.warnings[0]).toContain('no answer within 2000 ms');
    server.unfreeze();
    await until(() => one.recovered > 0);
    await one.publish('after');
    await until(() => one.heard.includes('after'));
  });
}

function leaseCalls({ bus: { leases } }: OpenBus): Promise<unknown>[] {
  return leases === undefined ? [] : [leases.acquire('key', 'holder', 1_000)];
}
