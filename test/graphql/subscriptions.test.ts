import { describe, expect, it } from '@jest/globals';
import { Query, Resolver, Subscription } from '@nestjs/graphql';
import { Cancelable, CancelToken, CancelationToken, currentOperation } from 'nestjs-cancelable';
import { deferred } from '../support/deferred.js';
import { ManualSource } from '../support/manual-source.js';
import { type GraphqlAppOptions, servers, startGraphqlApp } from './graphql-app.js';
import { connect, connections, Watcher } from './subscribers.js';

function createTicks() {
  const gate = deferred<string>();
  const sources: ManualSource<object>[] = [];
  const past: object[] = [];
  const push = (text: string) => {
    const item = { ticks: text, plainTicks: text, filteredTicks: text, brief: text };
    past.push(item);
    for (const source of sources) source.push(item);
  };
  /** Every subscriber has a source of its own, and misses nothing. */
  const open = () => {
    const source = new ManualSource<object>();
    source.push(...past);
    sources.push(source);
    return source;
  };

  @Resolver()
  class TicksResolver {
    @Query(() => String)
    @Cancelable()
    async waiting() {
      return gate.promise;
    }

    @Subscription(() => String)
    @Cancelable()
    async late() {
      await gate.promise;
      return open();
    }

    @Subscription(() => String)
    @Cancelable()
    async *ticks(@CancelToken() token: CancelationToken) {
      for await (const item of currentOperation().stream(open())) {
        token.throwIfCanceled();
        yield item;
      }
    }

    @Subscription(() => String, {
      filter: ({ filteredTicks }: { filteredTicks: string }) => filteredTicks !== 'one',
    })
    @Cancelable()
    async filteredTicks() {
      return open();
    }

    @Subscription(() => String)
    async plainTicks() {
      return open();
    }

    @Subscription(() => String)
    @Cancelable(200)
    async brief() {
      return open();
    }
  }
  return { gate, sources, push, TicksResolver };
}

describe.each(servers)('GraphQL subscriptions: %s', (server) => {
  const start = async (options: Omit<GraphqlAppOptions, 'providers'> = {}) => {
    const ticks = createTicks();
    const app = await startGraphqlApp(server, { providers: [ticks.TicksResolver], ...options });
    return { ...ticks, ...app, app };
  };

  it.each(['ticks', 'plainTicks'])('keep the operation of %s until it ends', async (name) => {
    const { app, push, sources, registry, next } = await start();
    const started = next('started');
    const watcher = new Watcher(connect(app), `subscription { ${name} }`);
    push('one');
    push('two');
    expect(await watcher.until(2)).toEqual([
      { data: { [name]: 'one' } },
      { data: { [name]: 'two' } },
    ]);
    await started;
    expect(registry.list()).toMatchObject([
      { name: `Subscription.${name}`, kind: 'graphql', status: 'running' },
    ]);

    const settled = next('settled');
    watcher.unsubscribe();

    expect(await settled).toMatchObject({
      status: 'canceled',
      reason: 'manual',
      message: 'consumer stopped',
    });
    expect(sources.map(({ closed }) => closed)).toEqual([1]);
    expect(registry.list()).toEqual([]);
  });

  it.each(['ticks', 'plainTicks'])('cancel %s when the socket closes', async (name) => {
    const { app, push, sources, registry, next } = await start();
    const watcher = new Watcher(connect(app), `subscription { ${name} }`);
    push('one');
    await watcher.until(1);
    const settled = next('settled');

    connections[0]!.terminate();

    expect(await settled).toMatchObject({ status: 'canceled', reason: 'disconnect' });
    expect(sources.map(({ closed }) => closed)).toEqual([1]);
    expect(registry.list()).toEqual([]);
  });

  it.each([
    ['a query', 'query { waiting }', 'Query.waiting'],
    ['a subscription without an iterator yet', 'subscription { late }', 'Subscription.late'],
  ])('cancel %s when its socket closes', async (_what, query, name) => {
    const { app, gate, next, registry } = await start();
    const started = next('started');
    const canceled = next('canceled');
    new Watcher(connect(app), query);
    await started;

    connections[0]!.terminate();

    expect(await canceled).toMatchObject({ name, reason: 'disconnect' });
    gate.resolve('late');
    await registry.whenIdle();
  });

  it('cancel those of the client that left, and no others', async () => {
    const { app, push, registry, collect, next } = await start();
    const started = collect('started', 2);
    const leaving = new Watcher(connect(app), 'subscription { ticks }');
    const staying = new Watcher(connect(app), 'subscription { ticks }');
    await started;
    expect(leaving.items).toEqual([]);
    const settled = next('settled');
    connections[0]!.terminate();
    await settled;
    expect(registry.list()).toMatchObject([{ status: 'running' }]);
    push('still here');
    await staying.until(1);
  });

  it('are closed behind a filter too', async () => {
    const { app, push, sources, registry, next } = await start();
    const watcher = new Watcher(connect(app), 'subscription { filteredTicks }');
    push('one');
    push('two');
    expect(await watcher.until(1)).toEqual([{ data: { filteredTicks: 'two' } }]);
    const settled = next('settled');
    watcher.unsubscribe();
    // Mercurius' filter hears of it with the next item only: the socket that closes is faster.
    const reason = server === 'Mercurius' ? 'disconnect' : 'manual';
    expect(await settled).toMatchObject({ name: 'Subscription.filteredTicks', reason });
    expect(sources.map(({ closed }) => closed)).toEqual([1]);
    expect(registry.list()).toEqual([]);
  });

  it('end with an error that says why they were canceled, and no more', async () => {
    const { app, push, registry, next } = await start();
    const watcher = new Watcher(connect(app), 'subscription { ticks }');
    push('one');
    await watcher.until(1);
    const settled = next('settled');
    registry.cancelAll({ name: 'Subscription.ticks' }, { message: 'secret' });
    await settled;
    expect(await watcher.over.promise).toEqual([
      { message: 'The operation was canceled', extensions: { code: 'OPERATION_MANUAL' } },
    ]);
    expect(registry.history()).toMatchObject([{ status: 'canceled', message: 'secret' }]);
  });

  it('end with their own timeout, and not with the default one', async () => {
    const { app, push, registry, next } = await start({ cancelable: { defaultTimeout: 20 } });
    const client = connect(app);
    const lasting = new Watcher(client, 'subscription { ticks }');
    push('one');
    await lasting.until(1);
    const settled = next('settled', 'Subscription.brief');
    const brief = new Watcher(client, 'subscription { brief }');
    expect(await settled).toMatchObject({ reason: 'timeout' });
    expect(await brief.over.promise).toEqual([
      { message: 'The operation timed out', extensions: { code: 'OPERATION_TIMEOUT' } },
    ]);
    expect(registry.list()).toMatchObject([{ name: 'Subscription.ticks', status: 'running' }]);
  });

  it('leave one listener on a socket, or none', async () => {
    const { app, push, registry, sockets, next, sources } = await start();
    const warnings: unknown[] = [];
    const warn = (warning: unknown) => warnings.push(warning);
    process.on('warning', warn);
    const client = connect(app);
    const first = new Watcher(client, 'subscription { plainTicks }');
    push('first');
    await first.until(1);
    const before = sockets[0]!.listenerCount('close');
    for (let count = 0; count < 30; count++) {
      const settled = next('settled');
      const watcher = new Watcher(client, 'subscription { ticks }');
      const started = next('started');
      await started;
      watcher.unsubscribe();
      await settled;
    }
    expect(sockets).toHaveLength(1);
    expect(sockets[0]!.listenerCount('close')).toBeLessThanOrEqual(before + 1);
    process.off('warning', warn);
    expect(warnings).toEqual([]);
    expect(sources.filter(({ closed }) => closed === 1)).toHaveLength(30);
    expect(registry.list()).toHaveLength(1);
  });
});
