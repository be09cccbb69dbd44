import { once } from 'node:events';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { Type } from '@nestjs/common';
import { type Document, Long, type MongoClient } from 'mongodb';
import { rejection } from '../support/deferred.js';
import { FakeMongo, HELLO } from '../support/fake-mongo.js';
import { adapters, type HttpApp, startHttpModule } from '../support/http-app.js';
import { get, send } from '../support/http-client.js';
import { PastedPage } from '../support/pasted-page.js';

/** The provider of the page, as far as the tests use it. */
interface Mongo {
  readonly client: MongoClient;
  find(collection: string, filter: Document): Promise<Document[]>;
  aggregate(collection: string, pipeline: Document[]): Promise<Document[]>;
  command(command: Document): Promise<Document>;
  collection(name: string): { insertOne(document: Document): Promise<unknown> };
}

/** What the server says to a find; a cursor with an id has more than that. */
const batch = (firstBatch: Document[], id = 0) => ({
  cursor: { id: Long.fromNumber(id), ns: 'shop.orders', firstBatch },
});

const live: HttpApp[] = [];

afterEach(() => {
  delete process.env['MONGODB_URL'];
  // Else closing the application waits for work that the test has left behind.
  for (const { registry } of live.splice(0)) registry.cancelAll({}, { reason: 'shutdown' });
});

describe.each(adapters)('the recipe for MongoDB, on %s', (adapter) => {
  async function start({ isReady = true, options = '' } = {}) {
    const server = await FakeMongo.start({ isReady });
    process.env['MONGODB_URL'] = `${server.url}?${options}`;
    const page = await PastedPage.of('docs/recipes/mongodb.md');
    const { AppModule, Mongo } =
      await page.import<Record<'AppModule' | 'Mongo', Type>>('app.module.ts');
    const app = await startHttpModule(adapter, AppModule);
    live.push(app);
    return { ...app, server, mongo: app.app.get<Mongo>(Mongo) };
  }

  it.each([
    ['of/ada', 'find'],
    ['totals', 'aggregate'],
    ['size', 'dbStats'],
  ])('a client that leaves closes the connection of its query: %s', async (path, command) => {
    const { server, url, registry, log } = await start();
    const sent = server.next(command);
    const request = send(`${url}/orders/${path}`);
    const query = await sent;
    request.destroy();
    await query.closed;
    await registry.whenIdle();
    expect(registry.history()).toMatchObject([{ status: 'canceled', reason: 'disconnect' }]);
    expect([...log.find('error'), ...log.find('warn')]).toEqual([]);
  });

  it.each<[command: string, call: (mongo: Mongo) => Promise<unknown>]>([
    ['find', (mongo) => mongo.find('orders', {})],
    ['aggregate', (mongo) => mongo.aggregate('orders', [])],
    ['dbStats', (mongo) => mongo.command({ dbStats: 1 })],
  ])("the caller gets the operation's error: %s", async (command, call) => {
    const { server, mongo, registry } = await start();
    const sent = server.next(command);
    let isReason = false;
    const outcome = rejection(
      registry.run({ name: 'query', settle: 'wait' }, async ({ signal }) => {
        const thrown = await rejection(call(mongo));
        isReason = thrown === signal.reason;
        throw thrown;
      }),
    );
    const query = await sent;
    registry.cancelAll({ name: 'query' }, { message: 'not needed' });
    expect(await outcome).toMatchObject({ reason: 'manual', message: 'not needed' });
    expect(isReason).toBe(true);
    await query.closed;
  });

  it('an open cursor is closed on the server', async () => {
    const { server, mongo, registry } = await start();
    const sent = server.next('find');
    const asked = server.next('getMore');
    const killed = server.next('killCursors');
    const outcome = rejection(
      registry.run({ name: 'query', settle: 'wait' }, () => mongo.find('orders', {})),
    );
    (await sent).answer(batch([{ amount: 1 }], 42));
    const more = await asked;
    registry.cancelAll({ name: 'query' });
    const kill = await killed;
    expect(kill.command).toMatchObject({ killCursors: 'orders', cursors: [42] });
    kill.answer({ cursorsKilled: [Long.fromNumber(42)] });
    more.answer({ ok: 0, code: 237, codeName: 'CursorKilled', errmsg: 'killed' });
    expect(await outcome).toMatchObject({ reason: 'manual' });
    expect(registry.history()).toMatchObject([{ name: 'query', status: 'canceled' }]);
  });

  it('waits no longer for a connection of the pool', async () => {
    const { server, mongo, registry } = await start({ options: 'maxPoolSize=1' });
    const sent = server.next('find');
    const first = registry.run('first', () => mongo.find('orders', {}));
    const query = await sent;
    const asked = once(mongo.client, 'connectionCheckOutStarted');
    const second = rejection(
      registry.run({ name: 'second', settle: 'wait' }, () => mongo.command({ dbStats: 1 })),
    );
    await asked;
    registry.cancelAll({ name: 'second' });
    expect(await second).toMatchObject({ reason: 'manual' });
    query.answer(batch([]));
    expect(await first).toEqual([]);
  });

  it('waits no longer for a server', async () => {
    const { server, mongo, registry } = await start({ isReady: false });
    const greeting = server.next('hello');
    const outcome = rejection(
      registry.run({ name: 'query', settle: 'wait' }, () => mongo.find('orders', {})),
    );
    const hello = await greeting;
    registry.cancelAll({ name: 'query' });
    expect(await outcome).toMatchObject({ reason: 'manual' });
    const next = server.next('hello');
    hello.answer(HELLO);
    // The one of the pool's connection, which the driver opens when it knows the server.
    const sent = server.next('find');
    const after = registry.run('next', () => mongo.find('orders', {}));
    (await next).answer(HELLO);
    (await sent).answer(batch([]));
    expect(await after).toEqual([]);
  });

  it('the next query is answered', async () => {
    const { server, url } = await start();
    const sent = server.next('find');
    const request = send(`${url}/orders/of/ada`);
    const query = await sent;
    request.destroy();
    await query.closed;
    const again = server.next('find');
    const answer = get(`${url}/orders/of/ada`);
    const { command, answer: say } = await again;
    expect(command).toMatchObject({ find: 'orders', filter: { customer: 'ada' } });
    say(batch([{ customer: 'ada', amount: 1 }]));
    expect((await answer).json()).toEqual([{ customer: 'ada', amount: 1 }]);
  });

  it('a query inside of a shield is not interrupted', async () => {
    const { server, mongo, registry } = await start();
    const sent = server.next('find');
    const found = registry.run({ name: 'shielded', settle: 'wait' }, (operation) =>
      operation.shield(() => mongo.find('orders', {})),
    );
    const query = await sent;
    expect(registry.cancelAll({ name: 'shielded' })).toBe(1);
    query.answer(batch([{ amount: 1 }]));
    expect(await found).toEqual([{ amount: 1 }]);
  });

  it('a write is not begun by an operation that is canceled', async () => {
    const { server, mongo, registry } = await start();
    const outcome = rejection(
      registry.run({ settle: 'wait' }, (operation) => {
        operation.cancel();
        return mongo.collection('orders').insertOne({ amount: 1 });
      }),
    );
    expect(await outcome).toMatchObject({ reason: 'manual' });
    expect(server.sockets.size).toBe(0);
  });
});
