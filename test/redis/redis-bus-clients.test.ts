import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { currentOperation, isCancelation } from 'nestjs-cancelable';
import { redisBus, redisCommands } from 'nestjs-cancelable/redis';
import { createClient, createClientPool } from 'redis';
import { startContext } from '../support/app-context.js';
import { closeAfterTest } from '../support/close-after-test.js';
import { rejection, thrown } from '../support/deferred.js';
import { runFixture } from '../support/fixture.js';
import { OpenBus, until } from '../support/open-bus.js';
import { compiled } from '../support/plain-node.js';
import { describeWith, freePort, startForTest } from '../support/servers.js';
import { startCluster } from './cluster.js';
import { observe } from './observe.js';

const path = (file: string) => compiled(new URL(file, import.meta.url));

/** Ends when the process does, which has nothing to do but its bus. */
async function runUntilExit(way: string, port: number): Promise<unknown> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [path('bus-exit.fixture.ts'), way, String(port)],
    { timeout: 30_000 },
  );
  return JSON.parse(stdout.trim().split('\n').at(-1)!);
}

async function start() {
  const server = await startForTest('redis');
  return { server, observer: await observe(server.port) };
}

describeWith(['redis'], 'redisBus() and the process', () => {
  it.each(['url', 'ioredis', 'redis'])('keeps none alive: %s', async (way) => {
    const { server } = await start();
    expect(await runUntilExit(way, server.port)).toEqual({ isHeard: true });
  });

  it('keeps none alive for a cluster', async () => {
    const servers = await startCluster();
    closeAfterTest(() => Promise.all(servers.map((server) => server.stop())));
    expect(await runUntilExit('cluster', servers[0]!.port)).toEqual({ isHeard: true });
  });

  it.each(['ioredis', 'redis'])('keeps none alive without a server: %s', async (way) => {
    expect(await runUntilExit(way, await freePort())).toEqual({ isHeard: 'unknown' });
  });

  it.each(['ioredis', 'redis'])('keeps none alive while it is frozen: %s', async (way) => {
    const { server } = await start();
    await server.freeze();
    expect(await runUntilExit(way, server.port)).toEqual({ isHeard: 'unknown' });
    server.unfreeze();
  });
});

describeWith(['redis'], 'redisBus() and a client that is given', () => {
  it('of ioredis is neither closed nor used', async () => {
    const { server, observer } = await start();
    const client = new Redis(server.port, { lazyConnect: true });
    closeAfterTest(() => client.disconnect());
    const { bus } = await (await OpenBus.open(redisBus({ client }))).listen();
    expect(client.status).toBe('wait');
    await client.connect();
    const pop = client.blpop('list', 0);
    await observer.blocked();
    await bus.publish('channel', 'while the client is blocked');
    await bus.close();
    await client
      .duplicate()
      .rpush('list', 'item')
      .finally(() => {});
    expect(await pop).toEqual(['list', 'item']);
    expect(client.status).toBe('ready');
  });

  it('of redis is neither closed nor used', async () => {
    const { server, observer } = await start();
    const client = createClient({ socket: { port: server.port, host: '127.0.0.1' } });
    const { bus } = await (await OpenBus.open(redisBus({ client }))).listen();
    expect(client.isOpen).toBe(false);
    await client.connect();
    closeAfterTest(() => client.destroy());
    const pop = client.blPop('list', 0);
    await observer.blocked();
    await bus.publish('channel', 'while the client is blocked');
    await bus.close();
    await observer.send('RPUSH', 'list', 'item');
    expect(await pop).toEqual({ key: 'list', element: 'item' });
    expect(client.isReady).toBe(true);
  });

  it('serves operations that are canceled, whose own commands are refused', async () => {
    const { server } = await start();
    const client = new Redis(server.port);
    closeAfterTest(() => client.disconnect());
    const { registry } = await startContext({}, { extensions: [redisCommands()] });
    const one = await (await OpenBus.open(redisBus({ client }))).listen();
    let refused: unknown;
    const operation = registry.spawn({ name: 'canceled', settle: 'wait' }, async () => {
      currentOperation().cancel();
      refused = await rejection(client.get('key'));
      await one.bus.publish('channel', 'from within');
      await one.bus.leases!.acquire('key', 'holder', 1_000);
    });
    await operation.result.catch(() => {});
    expect(isCancelation(refused)).toBe(true);
    await until(() => one.heard.includes('from within'));
  });

  it('has buses of other prefixes hear nothing of it', async () => {
    const { server, observer } = await start();
    const url = `redis://127.0.0.1:${server.port}`;
    const one = await (await OpenBus.open(redisBus({ url, prefix: 'one' }))).listen();
    const two = await (await OpenBus.open(redisBus({ url, prefix: 'two' }))).listen();
    const other = await (await OpenBus.open(redisBus({ url, prefix: 'one' }))).listen();
    await one.publish('from one');
    await two.publish('from two');
    await until(() => other.heard.length > 0 && two.heard.length > 0);
    expect([other.heard, two.heard]).toEqual([['from one'], ['from two']]);
    expect(await one.bus.leases!.acquire('key', 'one', 60_000)).toBeUndefined();
    expect(await two.bus.leases!.acquire('key', 'two', 60_000)).toBeUndefined();
    expect(await observer.send('KEYS', '*')).toEqual(
      expect.arrayContaining(['one:lease:key', 'two:lease:key']),
    );
  });
});

describe('the options of redisBus()', () => {
  const create = redisBus as (options?: unknown) => unknown;
  const client = new Redis({ lazyConnect: true });

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'an options object'],
    ['neither a client nor a url', {}, 'give either a client or a url'],
    ['both', { client, url: 'redis://localhost' }, 'give either a client or a url'],
    ['an object', { client: {} }, 'client: {} is not allowed. Allowed: a client of ioredis'],
    ['a pool', { client: createClientPool({}) }, 'a client of ioredis'],
    ['an address as a client', { client: 'redis://localhost' }, 'a client of ioredis'],
    ['no address', { url: 'localhost:6379' }, "'localhost:6379' is not allowed"],
    ['another protocol', { url: 'http://user:secret@localhost' }, "'http://…@localhost' is not"],
    ['a port', { url: 6379 }, '6379 is not allowed. Allowed: an address such as'],
    ['tls', { url: 'redis://localhost', tls: 'yes' }, "redisBus(): tls: 'yes' is not allowed"],
    ['tls for a client', { client, tls: true }, 'A client has options of its own'],
    ['a prefix', { client, prefix: 'a b' }, 'up to 100 letters'],
    ['a secret', { client, secret: '' }, 'a string that is not empty'],
    ['another option', { client, perfix: 'a' }, "there is no option 'perfix'"],
  ])('refuse %s', (_what, options, message) => {
    const error = thrown(() => create(options));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain(message);
    expect(error.message).not.toContain('secret@');
  });

  it('name the secret for the application', () => {
    expect(redisBus({ client, secret: 'shared' }).secret).toBe('shared');
    expect(redisBus({ client }).secret).toBeUndefined();
  });

  it('say what to install when an address is given, and no client is installed', async () => {
    expect(await runFixture(new URL('bus-no-clients.fixture.ts', import.meta.url))).toEqual({
      message:
        'redisBus() needs the package ioredis or redis: npm install ioredis, or npm install redis',
    });
  });
});
