import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Field, ObjectType, Query, ResolveField, Resolver, Subscription } from '@nestjs/graphql';
import { Cancelable, currentOperation, tryCurrentOperation } from 'nestjs-cancelable';
import { deferred } from '../support/deferred.js';
import { ManualSource } from '../support/manual-source.js';
import { servers, startGraphqlApp } from './graphql-app.js';
import { connect, connections, Watcher } from './subscribers.js';

function createTicks() {
  const sources: ManualSource<object>[] = [];
  const inField = deferred();
  /** One item object for all subscribers, as a broker in the process has it. */
  const push = () => {
    const item = {};
    for (const source of sources) source.push({ ticks: item, plainTicks: item });
  };
  const open = () => {
    const source = new ManualSource<object>();
    sources.push(source);
    return source;
  };

  @ObjectType()
  class Tick {
    @Field(() => String, { nullable: true })
    root?: string;
    @Field(() => String, { nullable: true })
    called?: string;
    @Field(() => String, { nullable: true })
    waiting?: string;
  }

  @Injectable()
  class TicksService {
    @Cancelable({ name: 'ticks.call' })
    async call(operation = currentOperation()) {
      await Promise.resolve();
      return `${operation.name} of ${operation.parent?.id}`;
    }

    @Cancelable({ name: 'ticks.wait' })
    async wait(operation = currentOperation()) {
      inField.resolve();
      await operation.sleep('1h');
      return 'never';
    }
  }

  @Resolver(() => Tick)
  class TicksResolver {
    constructor(private readonly service: TicksService) {}

    @Query(() => String)
    plain() {
      return 'plain';
    }

    @Subscription(() => Tick)
    @Cancelable()
    async ticks() {
      return open();
    }

    @Subscription(() => Tick)
    async plainTicks() {
      return open();
    }

    @ResolveField(() => String, { nullable: true })
    async root() {
      await Promise.resolve();
      return tryCurrentOperation()?.id;
    }

    @ResolveField(() => String, { nullable: true })
    async called() {
      return this.service.call();
    }

    @ResolveField(() => String, { nullable: true })
    async waiting() {
      return this.service.wait();
    }
  }
  return { sources, push, inField, providers: [TicksResolver, TicksService] };
}

describe.each(servers)("fields of a subscription's items: %s", (server) => {
  const start = async () => {
    const ticks = createTicks();
    const app = await startGraphqlApp(server, { providers: ticks.providers });
    return { ...ticks, ...app, app };
  };

  it.each(['ticks', 'plainTicks'])('are resolved in the operation of %s', async (name) => {
    const { app, push, registry, sources } = await start();
    const client = connect(app);
    const watchers = [0, 1].map(
      () => new Watcher(client, `subscription { ${name} { root called } }`),
    );
    while (sources.length < 2) await new Promise(setImmediate);
    for (let item = 1; item <= 2; item++) {
      push();
      await Promise.all(watchers.map((each) => each.until(item)));
    }
    const ids = registry.list().map(({ id }) => id);
    expect(ids).toHaveLength(2);
    const seen = watchers.map(({ items }) => {
      const [first, second] = items as { data: Record<string, { root: string; called: string }> }[];
      expect(second).toEqual(first);
      const { root, called } = first!.data[name]!;
      expect(called).toBe(`ticks.call of ${root}`);
      return root;
    });
    expect(seen.sort()).toEqual(ids.sort());
  });

  it('stop with it', async () => {
    const { app, push, inField, next, sources, registry } = await start();
    new Watcher(connect(app), 'subscription { ticks { waiting } }');
    while (sources.length < 1) await new Promise(setImmediate);
    push();
    await inField.promise;
    const settled = next('settled', 'ticks.wait');
    connections[0]!.terminate();
    expect(await settled).toMatchObject({ status: 'canceled', reason: 'parent' });
    await registry.whenIdle();
  });
});
