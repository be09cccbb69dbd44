import { describe, expect, it } from '@jest/globals';
import { currentOperation, OperationNotFound, OperationRegistry } from 'nestjs-cancelable';
import { firstValueFrom } from 'rxjs';
import { isPending, rejection, thrown } from '../support/deferred.js';

/** Two imports and a payout, live, and one of each that has ended. */
async function population() {
  const registry = new OperationRegistry();
  const start = (name: string, owner: string, id: string) =>
    registry.start({ name, id, metadata: { owner } });
  await start('import', 'ann', 'old import').complete();
  await start('payout', 'ann', 'old payout').complete();
  const mine = start('import', 'ann', 'mine');
  const theirs = start('import', 'bob', 'theirs');
  const payout = start('payout', 'ann', 'queue:7');
  return { registry, mine, theirs, payout };
}

describe('a scoped registry', () => {
  it('finds, lists and remembers only what matches', async () => {
    const { registry, mine } = await population();
    const imports = registry.scoped({ name: 'import' });
    const ids = (found: { id: string }[]) => found.map(({ id }) => id);

    expect(imports.get('mine')).toBe(mine.operation);
    expect(imports.get('queue:7')).toBeUndefined();
    expect(imports.find('old import')?.status).toBe('completed');
    expect(imports.find('old payout')).toBeUndefined();
    expect(imports.find('queue:7', { view: 'public' })).toBeUndefined();
    expect(ids(imports.list())).toEqual(['mine', 'theirs']);
    expect(ids(imports.tree({}))).toEqual(['mine', 'theirs']);
    expect(ids(imports.list({ limit: 1 }))).toEqual(['theirs']);
    expect(ids(imports.list({ name: /./, metadata: { owner: 'ann' } }))).toEqual(['mine']);
    expect(ids(imports.history())).toEqual(['old import']);
    expect(ids(imports.history({ name: 'payout' }))).toEqual([]);
  });

  it('cancels only what matches', async () => {
    const { registry, payout, theirs } = await population();
    const mine = registry.scoped({ name: 'import', metadata: { owner: 'ann' } });

    expect(mine.cancel('queue:7')).toBe(false);
    expect(mine.cancel('theirs')).toBe(false);
    expect(mine.cancelAll({ id: 'queue:7' })).toBe(0);
    expect(mine.cancelAll({})).toBe(1);
    expect([payout, theirs].map(({ operation }) => operation.status)).toEqual([
      'running',
      'running',
    ]);
  });

  it('watches only what matches: the rest does not exist', async () => {
    const { registry } = await population();
    const imports = registry.scoped({ name: 'import' });
    expect(await firstValueFrom(imports.watch('mine'))).toMatchObject({ data: { id: 'mine' } });
    for (const id of ['queue:7', 'old payout', 'nobody']) {
      const error = await rejection(firstValueFrom(imports.watch(id)));
      expect(error).toBeInstanceOf(OperationNotFound);
      expect(error.message).toBe('No operation with this id is live or remembered');
    }
  });

  it('waits only for what matches', async () => {
    const { registry, mine, theirs } = await population();
    const idle = registry.scoped({ name: 'import' }).whenIdle();
    await mine.complete();
    expect(await isPending(idle)).toBe(true);
    await theirs.complete();
    await idle;
  });

  it('finds its own among several with one id', async () => {
    const registry = new OperationRegistry();
    await registry.run({ id: 'same', name: 'import' }, () => {});
    await registry.run({ id: 'same', name: 'payout' }, () => {});
    expect(registry.find('same')?.name).toBe('payout');
    expect(registry.scoped({ name: 'import' }).find('same')?.name).toBe('import');
  });

  it('begins what is in its scope', async () => {
    const registry = new OperationRegistry();
    const filter = {
      name: 'import',
      kind: 'job',
      tag: 'night',
      metadata: { owner: 'ann' },
    } as const;
    const scoped = registry.scoped(filter);
    const facts = () => {
      const { name, kind, tags, metadata } = currentOperation();
      return { name, kind, tags, metadata };
    };
    const expected = {
      name: 'import',
      kind: 'job',
      tags: ['slow', 'night'],
      metadata: { file: 'a', owner: 'ann' },
    };
    const options = { tags: ['slow'], metadata: { file: 'a' } };
    expect(await scoped.run(options, facts)).toEqual(expected);
    expect(await scoped.run('import', () => currentOperation().name)).toBe('import');
    expect(await scoped.spawn(options, facts).result).toEqual(expected);
    const handle = scoped.start(options);
    expect(scoped.get(handle.operation.id)).toBe(handle.operation);
    expect(scoped.history()).toHaveLength(3);
  });

  it('begins nothing outside of its scope', () => {
    const registry = new OperationRegistry();
    const scoped = registry.scoped({ name: 'import', metadata: { owner: 'ann' } });
    expect(() => scoped.start('payout')).toThrow(
      "registry.start(): name 'payout' is outside of this scope, which is for 'import'.",
    );
    expect(() => scoped.spawn({ metadata: { owner: 'bob' } }, () => {})).toThrow(
      /metadata\.owner 'bob' is outside of this scope, which is for 'ann'/,
    );
    expect(() => registry.scoped({ name: /^import/ }).start('payout')).toThrow(/outside/);
    expect(registry.scoped({ name: /^import/ }).start('imports').operation.name).toBe('imports');
    expect(() => registry.scoped({ status: 'running' }).start('import')).toThrow(
      /scoped by 'status' can begin nothing/,
    );
    expect(registry.list().map(({ name }) => name)).toEqual(['imports']);
  });

  it('can be narrowed further, never widened', async () => {
    const { registry } = await population();
    const imports = registry.scoped({ name: 'import' });
    expect(imports.scoped({ metadata: { owner: 'ann' } }).list()).toHaveLength(1);
    expect(imports.scoped({ name: 'payout' }).list()).toEqual([]);
    expect(() => imports.scoped({ name: 'payout' }).start({})).toThrow(/outside of this scope/);
  });

  it('does not change with the filter that it was made from', async () => {
    const { registry } = await population();
    const filter = { name: 'import', metadata: { owner: 'ann' } };
    const scoped = registry.scoped(filter);
    filter.name = 'payout';
    filter.metadata.owner = 'bob';
    expect(scoped.list().map(({ id }) => id)).toEqual(['mine']);
  });

  it.each<[string, unknown, RegExp]>([
    ['nothing', undefined, /scoped\(\) needs a filter that says something/],
    ['an empty filter', {}, /scoped\(\) needs a filter that says something/],
    ['a key that is undefined', { metadata: { owner: undefined } }, /'owner' is undefined/],
    ['a name that is undefined', { name: undefined }, /'name' is undefined/],
    ['a limit', { name: 'import', limit: 1 }, /limit belongs into the filters of its lists/],
    ['an unknown key', { owner: 'ann' }, /there is no option 'owner'/],
  ])('is refused for %s', async (_, filter, message) => {
    const { registry } = await population();
    const imports = registry.scoped({ name: 'import' });
    for (const each of [registry, imports]) {
      expect(thrown(() => each.scoped(filter as never)).message).toMatch(message);
    }
  });
});
