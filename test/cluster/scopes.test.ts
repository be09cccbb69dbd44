import { describe, expect, it } from '@jest/globals';
import type { ClusterRegistry } from 'nestjs-cancelable';
import { startContext } from '../support/app-context.js';
import { thrown } from '../support/deferred.js';
import { until } from '../support/open-bus.js';
import { hang, startInstances } from './instances.js';
import { startWithPlayed } from './with-played.js';

const ADA = { metadata: { owner: 'ada' } };
const BOB = { metadata: { owner: 'bob' } };

describe('what is outside of a scope', () => {
  it('does not exist when it is over', async () => {
    const [a, b] = await startInstances(2);
    await b!.registry.run({ name: 'import', id: 'order-17', ...BOB }, () => Promise.resolve());
    const scope = a!.registry.cluster.scoped(ADA);
    const nothing = { complete: true, operation: undefined };
    expect(await scope.get('order-17')).toMatchObject(nothing);
    expect((await scope.history()).operations).toEqual([]);
    expect(await scope.cancel('order-17')).toMatchObject({ canceled: false, owner: undefined });
    const own = a!.registry.cluster.scoped(BOB);
    expect(await own.get('order-17')).toMatchObject({ operation: { status: 'completed' } });
    expect(await own.cancel('order-17')).toMatchObject({ canceled: false, owner: 'instance-1' });
  });

  it('does not exist while it waits, nor can it be taken back', async () => {
    const outbox = new Set(['mail:1']);
    const cancel = async () => outbox.delete('mail:1');
    const { registry } = await startContext(
      {},
      {
        extensions: [
          {
            name: 'outbox',
            install: ({ onClusterCancel }) => {
              onClusterCancel(async (id) =>
                outbox.has(id) ? [{ id, name: 'mail', kind: 'task', ...BOB, cancel }] : [],
              );
            },
          },
        ],
      },
    );
    const { cluster } = registry;
    const nothing = { canceled: false, owner: undefined };
    expect(await cluster.scoped(ADA).cancel('mail:1')).toMatchObject(nothing);
    expect(outbox.size).toBe(1);
    expect(await cluster.scoped(BOB).cancel('mail:1')).toMatchObject({ canceled: true });
  });

  it('tells no events', async () => {
    const [a, b] = await startInstances(2);
    const seen: unknown[] = [];
    const scope = a!.registry.cluster.scoped(ADA);
    scope.events$({ name: /^import/ }).subscribe(({ operation }) => seen.push(operation.metadata));
    const all: unknown[] = [];
    a!.registry.cluster.events$().subscribe(({ operation }) => all.push(operation.metadata));
    await a!.registry.cluster.instances();
    for (const metadata of [BOB.metadata, ADA.metadata]) {
      b!.registry.spawn({ name: 'import', metadata }, hang).result.catch(() => {});
    }
    await until(() => all.length === 2 && seen.length > 0);
    expect(seen).toEqual([ADA.metadata]);
  });

  it('stays outside when the scope is narrowed', async () => {
    const [a, b] = await startInstances(2);
    const hold = (name: string, metadata: object) =>
      b!.registry.spawn({ name, metadata: { ...metadata } }, hang);
    const [own, ...others] = [
      hold('import', ADA.metadata),
      hold('import', BOB.metadata),
      hold('export', ADA.metadata),
    ];
    const ids = async (scope: ClusterRegistry) =>
      (await scope.list()).operations.map(({ id }) => id);
    const ada = a!.registry.cluster.scoped(ADA);
    expect(await ids(ada.scoped({ name: 'import' }))).toEqual([own.id]);
    expect(await ids(a!.registry.cluster.scoped({ name: 'import' }).scoped(ADA))).toEqual([own.id]);
    expect(await ids(ada.scoped(BOB))).toEqual([]);
    expect((await ada.scoped(BOB).cancelAll({})).count).toBe(0);
    for (const { status } of others) expect(status).toBe('running');
    for (const filter of [{}, undefined, { name: undefined }, { ...ADA, limit: 1 }]) {
      expect(thrown(() => ada.scoped(filter as never))).toBeInstanceOf(TypeError);
    }
  });

  it('is not shown by its instance, whatever was found before', async () => {
    const { registry, played, service } = await startWithPlayed();
    const { id } = registry.spawn({ name: 'import', ...BOB }, hang);
    await played.send(`${service}:all`, 'tell', 'watch', '', { feed: 'f', id, scope: [ADA] });
    await played.send(`${service}:all`, 'tell', 'watch', '', { feed: 'g', id, scope: [BOB] });
    await until(() => played.heard.some(({ t, b }) => t === 'watched' && b['feed'] === 'g'));
    const shown = played.heard
      .filter(({ t }) => t === 'watched')
      .map(({ b }) => [b['feed'], b['type']]);
    expect(shown).toEqual([
      ['f', 'unknown'],
      ['g', 'state'],
    ]);
    expect(played.heard.find(({ b }) => b['feed'] === 'f')!.b['data']).toBeNull();
  });

  it('is asked for with the scope, by whoever watches', async () => {
    const { registry, played } = await startWithPlayed();
    const startedAt = new Date().toISOString();
    played.answers = () => ({
      ...{ id: 'order-17', name: 'import', status: 'running', startedAt },
      ...{ metadata: {}, tags: [] },
    });
    const watch = registry.cluster.scoped(ADA).watch('order-17').subscribe();
    await until(() => played.heard.some(({ t }) => t === 'watch'));
    watch.unsubscribe();
    expect(played.heard.find(({ t }) => t === 'watch')!.b).toMatchObject({ scope: [ADA] });
  });
});
