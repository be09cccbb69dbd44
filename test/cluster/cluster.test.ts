import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { firstValueFrom, lastValueFrom, take, toArray } from 'rxjs';
import {
  type ClusterFilter,
  ClusterIncomplete,
  OperationConflict,
  OperationNotFound,
  OperationRegistry,
} from 'nestjs-cancelable';
import { rejection } from '../support/deferred.js';
import { startContext } from '../support/app-context.js';
import { hang, newService, startInstances, untilKnown } from './instances.js';

describe('the operations of all instances', () => {
  it('are listed with the names of their instances, oldest first, and complete', async () => {
    const [a, b, c] = await startInstances(3);
    b!.registry.spawn({ name: 'import', metadata: { owner: 'ada' } }, hang);
    // Two clocks in one process agree to the millisecond.
    const begun = Date.now();
    while (Date.now() < begun + 3) await new Promise(setImmediate);
    a!.registry.spawn({ name: 'import' }, hang);
    c!.registry.spawn({ name: 'export' }, hang);
    const answer = await a!.registry.cluster.list({ name: 'import' });
    expect(answer.complete).toBe(true);
    expect([...answer.expected].sort()).toEqual(['instance-0', 'instance-1', 'instance-2']);
    expect([...answer.replied].sort()).toEqual([...answer.expected].sort());
    expect(answer.operations.map(({ name, instance }) => [name, instance])).toEqual([
      ['import', 'instance-1'],
      ['import', 'instance-0'],
    ]);
    expect(answer.operations[0]!.metadata).toEqual({ owner: 'ada' });
  });

  it('are filtered where they live: by pattern, metadata, age and limit', async () => {
    const [a, b] = await startInstances(2);
    for (let index = 0; index < 5; index++) {
      b!.registry.spawn({ name: `import.${index}`, metadata: { index }, tags: ['t'] }, hang);
    }
    const names = async (filter: ClusterFilter) =>
      (await a!.registry.cluster.list(filter)).operations.map(({ name }) => name);
    expect(await names({ name: /^IMPORT\.[12]$/i })).toEqual(['import.1', 'import.2']);
    expect(await names({ metadata: { index: 3 } })).toEqual(['import.3']);
    expect(await names({ tag: 't', limit: 2 })).toEqual(['import.3', 'import.4']);
    expect(await names({ olderThan: '1h' })).toEqual([]);
    expect(await names({ since: new Date(Date.now() - 60_000) })).toHaveLength(5);
    expect(await names({ since: new Date(Date.now() + 60_000) })).toEqual([]);
    expect(await names({ limit: 0 })).toEqual([]);
  });

  it.each([
    ['a function', { where: () => true }, /cannot travel/],
    ['a pattern that never ends', { name: /(a+)+$/ }, /repeats what is repeated/],
    ['repeated alternatives', { name: /(a|a)*$/ }, /repeats alternatives/],
    ['a pattern that refers back', { name: /(a)\1/ }, /refers back/],
    ['a pattern of many stars', { name: /a*b*c*d/ }, /more than 2/],
    ['a pattern that looks behind', { name: /(?<=a)b/ }, /cannot be checked|looks/],
    ['a long pattern', { name: new RegExp('a'.repeat(201)) }, /longer than 200/],
    ['metadata that JSON does not carry', { metadata: { at: new Date() } }, /JSON/],
    ['an undefined key', { name: undefined }, /undefined/],
  ])('refuses %s in a filter', async (_, filter, message) => {
    const registry = new OperationRegistry();
    const error = await rejection(registry.cluster.list(filter as never));
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toMatch(message);
  });

  it('are nested below their parents', async () => {
    const [a, b] = await startInstances(2);
    b!.registry.spawn('outer', () => b!.registry.run('inner', hang));
    const { tree, complete } = await a!.registry.cluster.tree();
    expect(complete).toBe(true);
    expect(tree.map(({ name }) => name)).toEqual(['outer']);
    expect(tree[0]!.children.map(({ name, instance }) => [name, instance])).toEqual([
      ['inner', 'instance-1'],
    ]);
  });

  it('are found live and remembered; what nobody knows is not found', async () => {
    const [a, b] = await startInstances(2);
    const live = b!.registry.spawn('import', hang);
    const ended = b!.registry.spawn('export', () => Promise.resolve(1));
    await ended.result;
    const found = await a!.registry.cluster.get(live.id);
    expect(found).toMatchObject({ complete: true, expected: ['instance-1'] });
    expect(found.operation).toMatchObject({ status: 'running', instance: 'instance-1' });
    expect((await a!.registry.cluster.get(ended.id)).operation!.status).toBe('completed');
    const { operations } = await a!.registry.cluster.history({ name: 'export' });
    expect(operations.map(({ id }) => id)).toEqual([ended.id]);
    const nothing = await a!.registry.cluster.get('nobody');
    expect(nothing).toMatchObject({ operation: undefined, complete: true });
  });

  it('are canceled by id, acknowledged by their instance, once', async () => {
    const [a, b] = await startInstances(2);
    const operation = b!.registry.spawn('import', hang);
    const failure = rejection(operation.result);
    const answer = await a!.registry.cluster.cancel(operation.id, {
      message: 'stop pressed',
      requestedBy: 'ada',
      cause: new Error('too slow'),
    });
    expect(answer).toEqual({
      ...{ complete: true, expected: ['instance-1'], replied: ['instance-1'] },
      ...{ canceled: true, owner: 'instance-1' },
    });
    const error = (await failure) as Error & { requestedBy: string };
    expect(error).toMatchObject({ reason: 'manual', message: 'stop pressed', requestedBy: 'ada' });
    expect((error.cause as Error).message).toBe('too slow');
    expect(operation.snapshot().requestedFrom).toMatch(/cluster\.test\.ts.*\(instance-0\)/);
    const again = await a!.registry.cluster.cancel(operation.id);
    expect(again).toMatchObject({ canceled: false, owner: 'instance-1', complete: true });
  });

  it('with an id of their own are canceled by asking all', async () => {
    const [a, b] = await startInstances(3);
    const operation = b!.registry.spawn({ name: 'import', id: 'order-17' }, hang);
    operation.result.catch(() => {});
    const answer = await a!.registry.cluster.cancel('order-17');
    expect(answer).toMatchObject({ canceled: true, owner: 'instance-1' });
    const unknown = await a!.registry.cluster.cancel('order-18');
    expect(unknown).toMatchObject({ canceled: false, owner: undefined, complete: true });
    expect(unknown.replied).toHaveLength(3);
  });

  it('are canceled by filter, sparing the chain of whoever cancels', async () => {
    const [a, b] = await startInstances(2);
    for (const { registry } of [a!, b!]) registry.spawn('import', hang).result.catch(() => {});
    const answer = await a!.registry.run('sweep', () => a!.registry.cluster.cancelAll({}));
    expect(answer).toMatchObject({
      ...{ count: 2, complete: true },
      byInstance: { 'instance-0': 1, 'instance-1': 1 },
    });
    expect(b!.registry.list({ status: 'running' })).toEqual([]);
    await expect(a!.registry.cluster.cancelAll(undefined as never)).rejects.toThrow(
      /needs a filter/,
    );
  });

  it('are counted together', async () => {
    const [a, b] = await startInstances(2);
    for (const { registry } of [a!, b!]) {
      await registry.run('work', () => Promise.resolve());
      registry.spawn('work', hang);
    }
    const { statistics, byInstance, complete } = await b!.registry.cluster.statistics();
    expect(complete).toBe(true);
    expect(statistics.live).toBe(2);
    expect(statistics.byStatus).toMatchObject({ running: 2, completed: 2 });
    expect(statistics.byName['work']).toMatchObject({ started: 4, live: 2, completed: 2 });
    expect(byInstance['instance-0']!.live).toBe(1);
    expect(statistics.duration.p50).toBeGreaterThan(0);
  });

  it('are watched from elsewhere until they end', async () => {
    const [a, b] = await startInstances(2);
    let go!: () => void;
    const operation = b!.registry.spawn('import', async (own) => {
      await new Promise<void>((resolve) => (go = resolve));
      own.reportProgress({ current: 1, total: 2 });
      return 'done';
    });
    const messages = lastValueFrom(a!.registry.cluster.watch(operation.id).pipe(toArray()));
    await firstValueFrom(a!.registry.cluster.watch(operation.id));
    go();
    const types = (await messages).map(({ type, data }) => [type, data.status]);
    expect(types[0]).toEqual(['state', 'running']);
    expect(types.at(-1)).toEqual(['settled', 'completed']);
    expect(types.map(([type]) => type)).toContain('progress');
    expect((await messages).at(-1)!.data).not.toHaveProperty('metadata');
    const late = await lastValueFrom(a!.registry.cluster.watch(operation.id, { view: 'full' }));
    expect(late).toMatchObject({ type: 'settled', data: { status: 'completed', metadata: {} } });
    const error = await rejection(lastValueFrom(a!.registry.cluster.watch('nobody')));
    expect(error).toBeInstanceOf(OperationNotFound);
  });

  it('tell what happens to them', async () => {
    const [a, b] = await startInstances(2);
    const events = firstValueFrom(
      a!.registry.cluster.events$({ name: 'import' }).pipe(take(3), toArray()),
    );
    // Until the other one knows that it is listened to.
    await a!.registry.cluster.instances();
    await b!.registry.run('export', () => Promise.resolve());
    const operation = b!.registry.spawn('import', hang);
    operation.result.catch(() => {});
    operation.cancel();
    expect((await events).map(({ type, instance }) => [type, instance])).toEqual([
      ['started', 'instance-1'],
      ['canceled', 'instance-1'],
      ['settled', 'instance-1'],
    ]);
  });

  it('outside of a scope do not exist to it', async () => {
    const [a, b] = await startInstances(2);
    const own = b!.registry.spawn({ name: 'import', metadata: { owner: 'ada' } }, hang);
    const other = b!.registry.spawn({ name: 'import', metadata: { owner: 'bob' } }, hang);
    own.result.catch(() => {});
    const scope = a!.registry.cluster.scoped({ metadata: { owner: 'ada' } });
    expect((await scope.list()).operations.map(({ id }) => id)).toEqual([own.id]);
    expect(await scope.get(other.id)).toMatchObject({ operation: undefined, complete: true });
    expect(await scope.cancel(other.id)).toMatchObject({ canceled: false, owner: undefined });
    expect((await scope.cancelAll({})).count).toBe(1);
    expect(other.status).toBe('running');
    const error = await rejection(lastValueFrom(scope.watch(other.id)));
    expect(error).toBeInstanceOf(OperationNotFound);
  });
});

describe('instances', () => {
  it('know each other, and that one drains or has left', async () => {
    const [a, b] = await startInstances(2);
    b!.registry.spawn('import', hang);
    const { instances } = await a!.registry.cluster.instances();
    expect(instances.map(({ id, live, draining }) => [id, live, draining])).toEqual([
      ['instance-0', 0, false],
      ['instance-1', 1, false],
    ]);
    await b!.app.close();
    const after = await a!.registry.cluster.instances();
    expect(after).toMatchObject({ complete: true, expected: ['instance-0'] });
  });

  it('that share a name are told apart by their ids, in every answer', async () => {
    const cluster = { service: newService(), instance: 'pod' };
    const start = async () => (await startContext({}, { cluster })).registry;
    const registries = [await start(), await start()];
    await untilKnown(registries, 2);
    const names = registries.map((registry) => {
      const { id, result } = registry.spawn('import', hang);
      result.catch(() => {});
      return `pod (${id.slice(0, 8)})`;
    });
    const all = registries[0]!.cluster;
    const { statistics, byInstance, ...answer } = await all.statistics();
    expect(answer.expected).toEqual(names);
    expect([...answer.replied].sort()).toEqual([...names].sort());
    expect(Object.entries(byInstance).map(([name, { live }]) => [name, live])).toEqual(
      expect.arrayContaining(names.map((name) => [name, 1])),
    );
    expect(statistics.live).toBe(2);
    expect((await all.instances()).instances.map(({ id }) => id)).toEqual(names);
    const canceled = await all.cancelAll({});
    expect(canceled.byInstance).toEqual({ [names[0]!]: 1, [names[1]!]: 1 });
  });

  it('of another service are not seen', async () => {
    const [a] = await startInstances(1);
    const [b] = await startInstances(1, { service: newService() });
    const operation = b!.registry.spawn('import', hang);
    expect((await a!.registry.cluster.list()).operations).toEqual([]);
    expect((await a!.registry.cluster.cancel(operation.id)).owner).toBeUndefined();
  });

  it('are one without a cluster, whose answers are complete', async () => {
    const { registry } = await startContext({});
    const operation = registry.spawn('import', hang);
    operation.result.catch(() => {});
    const { operations, complete } = await registry.cluster.list();
    expect(complete).toBe(true);
    expect(operations).toMatchObject([{ name: 'import' }]);
    expect(await registry.cluster.cancel(operation.id)).toMatchObject({ canceled: true });
  });

  it('are not known before the application has started', async () => {
    let early: Promise<unknown> | undefined;
    @Injectable()
    class Early {
      constructor(registry: OperationRegistry) {
        early = registry.cluster.list({}, { timeout: '50ms' });
      }
    }
    const cluster = { service: newService(), instance: 'here' };
    const { registry } = await startContext({ providers: [Early] }, { cluster });
    expect(await early).toMatchObject({ complete: false, expected: ['here'] });
    expect(await registry.cluster.list()).toMatchObject({ complete: true });
  });

  it('that cannot be asked leave the answer open, and local work alone', async () => {
    const bus = () => ({
      ...{ name: 'broken', open: () => Promise.resolve(), close: () => Promise.resolve() },
      publish: () => Promise.reject(new Error('connection refused')),
      subscribe: () => Promise.resolve(() => Promise.resolve()),
      isHeard: () => Promise.reject(new Error('connection refused')),
    });
    const { registry, log } = await startContext(
      {},
      { cluster: { bus: bus(), service: newService(), instance: 'alone', timeout: '200ms' } },
    );
    const operation = registry.spawn('import', hang);
    operation.result.catch(() => {});
    const answer = await registry.cluster.list();
    expect(answer).toMatchObject({ complete: false, expected: ['alone'], replied: ['alone'] });
    expect(answer.operations).toHaveLength(1);
    const error = await rejection(registry.cluster.get('nobody'));
    expect(error).toBeInstanceOf(ClusterIncomplete);
    expect((error as Error).message).toMatch(
      /bus does not work; broken: Error: connection refused/,
    );
    expect(await registry.cluster.cancel(operation.id)).toMatchObject({ canceled: true });
    expect(log.find('warn', 'cannot be reached: broken: Error: connection refused')).toHaveLength(
      1,
    );
  });

  it('stop the start-up for options that cannot be', async () => {
    const start = (cluster: object) =>
      rejection(startContext({}, { cluster: cluster as never }).then(() => OperationConflict));
    expect(String(await start({}))).toMatch(/service is missing/);
    expect(String(await start({ service: 'a b' }))).toMatch(/service: 'a b' is not allowed/);
    expect(String(await start({ service: 'a', bus: {} }))).toMatch(/CancelationBus/);
    expect(String(await start({ service: 'a', heartbeat: 0 }))).toMatch(/heartbeat/);
  });
});
