import { describe, expect, it } from '@jest/globals';
import {
  type Operation,
  OperationConflict,
  OperationLimit,
  OperationRegistry,
} from 'nestjs-cancelable';
import { deferred, isPending, microtasks, rejection, thrown } from '../support/deferred.js';

describe('rule 22: cancelAll', () => {
  it('fixes the matches first, and counts those canceled by this call', async () => {
    const registry = new OperationRegistry();
    const root = registry.start('root');
    await root.run(() => registry.start('child'));
    await root.run(() => registry.start('child'));
    registry.start('canceled before').operation.cancel();

    expect(registry.cancelAll({}, { reason: 'shutdown', requestedBy: 'ann' })).toBe(3);
    expect(registry.cancelAll({})).toBe(0);
    expect(root.operation.cancelation).toMatchObject({ reason: 'shutdown', requestedBy: 'ann' });
  });

  it('counts a match that is canceled through a parent, once', async () => {
    const registry = new OperationRegistry();
    const root = registry.start('root');
    await root.run(() => registry.start('child'));
    const first = registry.list().map(({ name }) => name);
    expect(first).toEqual(['root', 'child']);
    expect(registry.cancelAll({ name: /root|child/ })).toBe(2);
  });

  it('leaves alone what begins meanwhile', () => {
    const registry = new OperationRegistry();
    registry.start('old').operation.onCancel(() => registry.start('new'));
    expect(registry.cancelAll({})).toBe(1);
    expect(registry.list({ name: 'new' })[0]!.status).toBe('running');
  });

  it("spares the caller's own chain, not its children and siblings", async () => {
    const registry = new OperationRegistry();
    const root = registry.start('root');
    await root.run(() => registry.start('sibling'));
    const child = await root.run(() => registry.start('child'));
    await child.run(() => registry.start('grandchild'));
    registry.start('other');

    const count = await child.run(() => registry.cancelAll({}));

    expect(count).toBe(3);
    expect(registry.list({ status: 'running' }).map(({ name }) => name)).toEqual(['root', 'child']);
  });

  it('leaves alone what is only cleaning up, since it is decided (rule 5)', async () => {
    const registry = new OperationRegistry();
    const cleanup = deferred();
    const handle = registry.start('work');
    handle.operation.defer(() => cleanup.promise);
    const completed = handle.complete();
    expect(registry.cancelAll({})).toBe(0);
    cleanup.resolve();
    await completed;
    expect(handle.operation.status).toBe('completed');
  });

  it('without a filter throws, {} means all', () => {
    const registry = new OperationRegistry();
    const { operation } = registry.start('work');
    expect(() => (registry as any).cancelAll()).toThrow(/needs a filter; \{\} means all/);
    expect(operation.status).toBe('running');
    expect(registry.cancelAll({ limit: 0 })).toBe(0);
    expect(registry.cancelAll({})).toBe(1);
  });
});

describe('a filter never means "all" by accident', () => {
  class Wish {
    get id() {
      return 'nobody';
    }
  }
  const bare = (properties: PropertyDescriptorMap) => Object.create(null, properties) as object;
  const mistakes: [string, unknown][] = [
    ['empty metadata', { metadata: {} }],
    ['metadata that is a Map', { metadata: new Map([['owner', 'ann']]) }],
    ['metadata that is an instance', { metadata: new Wish() }],
    ['metadata with a value undefined', { metadata: { owner: undefined } }],
    ['metadata with a hidden key undefined', { metadata: bare({ owner: { value: undefined } }) }],
    ['metadata with a key that is a symbol', { metadata: { [Symbol('owner')]: 'ann' } }],
    ['a Map', new Map([['id', 'nobody']])],
    ['a Set', new Set(['nobody'])],
    ['a Date', new Date()],
    ['an array', []],
    ['a RegExp', /nobody/],
    ['null', null],
    ['keys of a prototype', Object.create({ id: 'nobody' })],
    ['an instance whose keys are getters', new Wish()],
    ['URLSearchParams', new URLSearchParams('id=nobody')],
    ['a hidden key that is undefined', bare({ id: { value: undefined } })],
    ['a key that is a symbol', { [Symbol('id')]: 'nobody' }],
    ['a pattern made of nothing', { name: new RegExp(undefined as never) }],
    ['a kind that does not exist', { kind: 'jobs' }],
    ['a kind that is a list', { kind: [] }],
  ];

  it.each(mistakes)('%s is refused', (_, filter) => {
    const registry = new OperationRegistry();
    const { operation } = registry.start('work');
    for (const method of ['cancelAll', 'list', 'tree', 'history', 'clearHistory'] as const) {
      expect(() => (registry as any)[method](filter)).toThrow(TypeError);
    }
    expect(operation.status).toBe('running');
  });

  it('says what was given', () => {
    const registry = new OperationRegistry();
    const message = (filter: unknown): string =>
      thrown(() => registry.cancelAll(filter as never)).message;
    expect(message(new Map())).toBe(
      'cancelAll(): an instance of Map is not allowed. Allowed: a plain filter object.',
    );
    expect(message({ metadata: {} })).toContain('cancelAll(): metadata: {} is not allowed');
    expect(message({ kind: 'jobs' })).toContain("'jobs' is not allowed. Allowed: 'http', 'rpc'");
  });

  it('takes keys that are not enumerable, and objects without a prototype', () => {
    const registry = new OperationRegistry();
    registry.start({ id: 'kept' });
    registry.start({ id: 'wanted', metadata: { owner: 'ann' } });
    expect(registry.cancelAll(bare({ id: { value: 'wanted' } }))).toBe(1);
    expect(registry.get('kept')?.status).toBe('running');
    const metadata = bare({ owner: { value: 'ann' } }) as { owner: string };
    expect(registry.list({ metadata }).map(({ id }) => id)).toEqual(['wanted']);
  });
});

describe('rule 22: whenIdle', () => {
  it('waits for bodies that are canceling too', async () => {
    const registry = new OperationRegistry();
    const body = deferred();
    const work = registry.run('work', () => body.promise);
    registry.cancelAll({});
    await rejection(work);
    const idle = registry.whenIdle();
    expect(await isPending(idle)).toBe(true);
    body.resolve();
    await idle;
    expect(registry.list()).toEqual([]);
  });

  it('waits for those that begin meanwhile, and only for those that match', async () => {
    const registry = new OperationRegistry();
    registry.start('other');
    const first = registry.start('work');
    const idle = registry.whenIdle({ name: 'work' });
    const second = registry.start('work');
    await first.complete();
    expect(await isPending(idle)).toBe(true);
    await second.complete();
    await idle;
  });

  it('resolves at once when nothing is live', async () => {
    await new OperationRegistry().whenIdle();
    const registry = new OperationRegistry();
    registry.start('work');
    expect(await isPending(registry.whenIdle({ name: 'other' }))).toBe(false);
  });

  it('inside an operation leaves out itself and its ancestors', async () => {
    const registry = new OperationRegistry();
    const other = registry.start('other');
    const work = registry.run('outer', () => registry.run('inner', () => registry.whenIdle()));
    expect(await isPending(work)).toBe(true);
    await other.complete();
    await work;
  });
});

describe('rule 22: maxLive', () => {
  it('refuses roots only, with OperationLimit, and counts them', async () => {
    const registry = new OperationRegistry({ maxLive: 2 });
    const root = registry.start('root');
    registry.start('second');

    expect(thrown(() => registry.start('third'))).toBeInstanceOf(OperationLimit);
    const error = await rejection(registry.run('fourth', () => 'ran'));
    expect(error).toBeInstanceOf(OperationLimit);
    expect(error.message).toContain('maxLive is 2');
    expect(registry.statistics()).toMatchObject({ live: 2, refused: 2 });
    expect(await root.run(() => registry.run('child', () => 'ran'))).toBe('ran');
  });

  it('counts bodies that are canceling, and has room again when they end', async () => {
    const registry = new OperationRegistry({ maxLive: 1 });
    const body = deferred();
    const work = registry.run('stuck', () => body.promise);
    registry.cancelAll({});
    await rejection(work);
    expect(thrown(() => registry.start('next'))).toBeInstanceOf(OperationLimit);
    body.resolve();
    await microtasks();
    expect(await registry.run('next', () => 'ran')).toBe('ran');
  });

  it.each([0, -1, 1.5, NaN, '10'])('refuses %p', (maxLive) => {
    expect(() => new OperationRegistry({ maxLive: maxLive as number })).toThrow(/maxLive/);
  });
});

describe('rule 22: ids', () => {
  it('are unguessable, carry the instance and are safe in a URL', () => {
    const registry = new OperationRegistry();
    const ids = Array.from({ length: 1_000 }, () => registry.start('work').operation.id);
    expect(new Set(ids).size).toBe(1_000);
    const instances = new Set(ids.map((id) => id.split('-')[0]));
    expect(instances.size).toBe(1);
    for (const id of ids) expect(id).toMatch(/^[a-z0-9]{8}-[\w-]{22}$/);
    expect(new OperationRegistry().start('work').operation.id.split('-')[0]).not.toBe(
      [...instances][0],
    );
  });

  it('may be chosen, once at a time', async () => {
    const registry = new OperationRegistry();
    const first = registry.start({ name: 'import', id: 'import-1' });
    expect(registry.get('import-1')).toBe(first.operation);

    expect(thrown(() => registry.start({ id: 'import-1' }))).toBeInstanceOf(OperationConflict);
    expect(thrown(() => registry.spawn({ id: 'import-1' }, () => 1))).toBeInstanceOf(
      OperationConflict,
    );
    const conflict = await rejection(registry.run({ id: 'import-1' }, () => 1));
    expect(conflict).toBeInstanceOf(OperationConflict);
    expect(conflict.message).toContain("'import-1'");

    await first.fail(new Error('first'));
    await registry.run({ name: 'import', id: 'import-1' }, () => 'second');
    expect(registry.get('import-1')).toBeUndefined();
    expect(registry.find('import-1')?.status).toBe('completed');
  });

  it('find live and remembered operations, and nothing else', async () => {
    const registry = new OperationRegistry();
    const handle = registry.start('work');
    const { id } = handle.operation;
    expect(registry.find(id)?.status).toBe('running');
    expect(registry.cancel(id, { reason: 'condition' })).toBe(true);
    expect(registry.cancel(id)).toBe(false);
    await handle.complete();
    expect(registry.get(id)).toBeUndefined();
    expect(registry.find(id)).toMatchObject({ status: 'canceled', reason: 'condition' });
    expect(registry.cancel(id)).toBe(false);
    expect(registry.find('nobody')).toBeUndefined();
    expect(registry.get('nobody')).toBeUndefined();
    expect(registry.cancel('nobody')).toBe(false);
  });

  it('of two registries do not meet', () => {
    const [one, two] = [new OperationRegistry(), new OperationRegistry()];
    const operation: Operation = one.start({ id: 'same' }).operation;
    expect(two.get('same')).toBeUndefined();
    expect(two.start({ id: 'same' }).operation).not.toBe(operation);
    expect(two.cancelAll({})).toBe(1);
    expect(operation.status).toBe('running');
  });
});

describe('maxChildren', () => {
  it('refuses what a root begins beyond it, at any depth, and says whose it is', async () => {
    const registry = new OperationRegistry({ maxChildren: 2 });
    const error = await rejection(
      registry.run('root', () =>
        registry.run('child', () =>
          registry.run('grandchild', () => registry.run('too deep', () => {})),
        ),
      ),
    );
    expect(error).toBeInstanceOf(OperationLimit);
    expect(error.message).toContain('root');
    expect(error.message).toContain('maxChildren is 2');
    expect(await registry.run('another', () => registry.run('child', () => 'fine'))).toBe('fine');
  });

  it('counts only what is live', async () => {
    const registry = new OperationRegistry({ maxChildren: 1 });
    const count = await registry.run('root', async () => {
      let done = 0;
      for (let call = 0; call < 10; call++) done += await registry.run('child', () => 1);
      return done;
    });
    expect(count).toBe(10);
  });

  it.each([
    [undefined, 10_000],
    [2_000, 200],
    [10, 100],
  ])('with maxLive %p it is %p by default', async (maxLive, expected) => {
    const registry = new OperationRegistry(maxLive === undefined ? {} : { maxLive });
    let begun = 0;
    await registry.run({ name: 'root', settle: 'wait' }, async (root) => {
      const wait = (): Promise<unknown> => registry.run('child', (own) => own.sleep('1h'));
      const all: Promise<unknown>[] = [];
      for (begun = 0; begun <= expected; begun++) all.push(wait());
      const [last, outcome] = [all.at(-1), Promise.allSettled(all)];
      expect(await rejection(last as Promise<unknown>)).toBeInstanceOf(OperationLimit);
      expect(root.children).toHaveLength(expected);
      for (const child of root.children) child.cancel();
      await outcome;
    });
  });

  it.each([0, -1, 1.5, NaN, '10'])('refuses %p', (maxChildren) => {
    expect(() => new OperationRegistry({ maxChildren: maxChildren as number })).toThrow(
      /maxChildren/,
    );
  });
});
