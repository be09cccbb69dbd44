import { describe, expect, it } from '@jest/globals';
import { currentOperation, OperationRegistry, tryCurrentOperation } from 'nestjs-cancelable';
import { deferred, isPending, microtasks, rejection, thrown } from '../support/deferred.js';
import { MemoryLog } from '../support/memory-log.js';

describe('start() gives a handle', () => {
  it('runs parts of the work in the operation', async () => {
    const registry = new OperationRegistry();
    const handle = registry.start('upload');
    expect(await handle.run(() => currentOperation())).toBe(handle.operation);
    expect(await handle.run(async (operation) => operation.name)).toBe('upload');
    expect(tryCurrentOperation()).toBeUndefined();
    expect(handle.operation.status).toBe('running');
  });

  it('hands on what a part throws, without ending', async () => {
    const handle = new OperationRegistry().start('upload');
    const failure = new Error('part');
    const part = handle.run(() => {
      throw failure;
    });
    expect(await rejection(part)).toBe(failure);
    expect(handle.operation.status).toBe('running');
  });

  it('releases the caller of a part at the cancel, and refuses the next', async () => {
    const handle = new OperationRegistry().start('upload');
    const part = handle.run(() => new Promise(() => {}));
    handle.operation.cancel();
    expect(await rejection(part)).toBe(handle.operation.cancelation);
    expect(await rejection(handle.run(() => 'ran'))).toBe(handle.operation.cancelation);
  });

  it('keeps the caller of a part as long as a shield is open', async () => {
    const handle = new OperationRegistry().start('upload');
    const paid = deferred();
    const parts = [
      handle.run((operation) => operation.shield(() => paid.promise)),
      handle.run(() => new Promise(() => {})),
    ];
    handle.operation.cancel();
    expect(await Promise.all(parts.map((part) => isPending(part)))).toEqual([true, true]);
    paid.resolve();
    for (const part of parts) expect(await rejection(part)).toBe(handle.operation.cancelation);
  });

  it('fails when a source cannot start', async () => {
    const registry = new OperationRegistry({ logger: new MemoryLog() });
    const failure = new Error('no watcher');
    const broken = {
      name: 'broken',
      start: () => {
        throw failure;
      },
    };
    expect(thrown(() => registry.start({ name: 'upload', sources: [broken] }))).toBe(failure);

    const late = { name: 'late', start: () => Promise.reject(failure) };
    const handle = registry.start({ name: 'upload', sources: [late] });
    await microtasks();
    expect(await rejection(handle.run(() => 'ran'))).toBe(failure);
    expect(registry.list()).toEqual([]);
    expect(registry.history().map(({ status }) => status)).toEqual(['failed', 'failed']);
  });

  it("waits for the part with settle 'wait'", async () => {
    const handle = new OperationRegistry().start({ name: 'upload', settle: 'wait' });
    const body = deferred<string>();
    const part = handle.run(() => body.promise);
    handle.operation.cancel();
    expect(await isPending(part)).toBe(true);
    body.resolve('value');
    expect(await part).toBe('value');
  });

  it('ends well, badly or canceled, once', async () => {
    const registry = new OperationRegistry();
    const good = registry.start('good');
    await good.complete('value');
    await good.fail(new Error('too late'));
    const bad = registry.start('bad');
    await bad.fail(new Error('broken'));
    await bad.complete();
    const canceled = registry.start('canceled');
    canceled.operation.cancel();
    await canceled.fail(canceled.operation.cancelation);

    expect(registry.history().map(({ status }) => status)).toEqual([
      'completed',
      'failed',
      'canceled',
    ]);
    expect(await good.operation.result).toBe('value');
  });

  it('resolves once cleanups have run', async () => {
    const handle = new OperationRegistry().start('upload');
    const cleanup = deferred();
    handle.operation.defer(() => cleanup.promise);
    const completed = handle.complete();
    expect(await isPending(completed)).toBe(true);
    cleanup.resolve();
    await completed;
  });

  it('is completed when it is disposed of', async () => {
    const registry = new OperationRegistry();
    const handle = registry.start('upload');
    await (handle as any)[(Symbol as any).asyncDispose]();
    expect(registry.history()).toMatchObject([{ name: 'upload', status: 'completed' }]);
  });
});

describe('spawn', () => {
  it('gives the operation at once, and its result later', async () => {
    const operation = new OperationRegistry().spawn('import', async () => 'rows');
    expect(operation.status).toBe('running');
    expect(await operation.result).toBe('rows');
    expect(operation.status).toBe('completed');
  });

  it('outlives the operation it was begun in, whose metadata and tags it has', async () => {
    const registry = new OperationRegistry();
    const body = deferred();
    const request = registry.start({ name: 'request', metadata: { owner: 'ann' }, tags: ['web'] });
    const job = await request.run(() => registry.spawn('import', () => body.promise));
    request.operation.cancel();
    await request.complete();

    expect(job.status).toBe('running');
    expect(job.snapshot()).toMatchObject({
      metadata: { owner: 'ann' },
      tags: ['web'],
      parentId: request.operation.id,
    });
    body.resolve();
    await job.result;
  });

  it('logs failures, once, and no cancelations', async () => {
    const log = new MemoryLog();
    const registry = new OperationRegistry({ logger: log });
    const failure = new Error('disk full');
    registry.spawn('import', () => Promise.reject(failure));
    registry.spawn('at once', () => {
      throw new Error('thrown');
    });
    registry.spawn('export', (operation) => operation.sleep('1h')).cancel();
    await microtasks();

    expect(log.errors).toEqual([
      'import failed: Error: disk full',
      'at once failed: Error: thrown',
    ]);
    expect(log.stacks[0]).toBe(failure.stack);
    expect(log.warnings).toEqual([]);
  });
});

describe('run', () => {
  it('takes a name or options, and refuses what is not valid', () => {
    const registry = new OperationRegistry();
    const start = (options: unknown) => () => registry.start(options as any);
    expect(start({ nam: 'work' })).toThrow(
      /registry\.start\(\): there is no option 'nam'. Allowed: 'name'/,
    );
    expect(start({ name: '' })).toThrow(/name: '' is not allowed/);
    expect(start('')).toThrow(/name: '' is not allowed/);
    expect(start({ kind: 'web' })).toThrow(/kind: 'web' is not allowed. Allowed: 'http'/);
    expect(start({ settle: 'later' })).toThrow(/'race', 'wait'/);
    expect(start({ deadline: '2024-01-01' })).toThrow(/a valid Date/);
    expect(start({ tags: 'slow' })).toThrow(/an array of strings/);
    expect(start({ metadata: [] })).toThrow(/a plain object/);
    expect(start({ detached: 1 })).toThrow(/true or false/);
    expect(start({ on: { finish: () => {} } })).toThrow(/'finish' is not allowed/);
    expect(start({ on: { settled: 'yes' } })).toThrow(/on\.settled: 'yes'/);
    expect(start(7)).toThrow(/7 is not allowed/);
    expect(registry.list()).toEqual([]);
  });

  it('nests the tree as the calls nest', async () => {
    const registry = new OperationRegistry();
    const tree = await registry.run('a', () =>
      registry.run('b', async () => {
        registry.start('c');
        registry.start('d');
        return registry.tree();
      }),
    );
    expect(tree).toMatchObject([
      { name: 'a', children: [{ name: 'b', children: [{ name: 'c' }, { name: 'd' }] }] },
    ]);
  });

  it('shows a match as a root when its parent does not match', async () => {
    const registry = new OperationRegistry();
    const root = registry.start('root');
    await root.run(() => registry.start('child'));
    expect(registry.tree({ name: 'child' })).toMatchObject([
      { name: 'child', parentId: root.operation.id, children: [] },
    ]);
  });
});

it('registry.start() settles an operation that did not start before it throws: its key is free', () => {
  const registry = new OperationRegistry();
  const start = (fails: boolean) =>
    registry.start({
      name: 'import',
      exclusive: { onConflict: 'reject' },
      sources: [
        {
          name: 'broken',
          start() {
            if (fails) throw new Error('no source');
            return () => {};
          },
        },
      ],
    });
  expect(() => start(true)).toThrow('no source');
  expect(registry.list()).toEqual([]);
  expect(() => start(false)).not.toThrow();
});
