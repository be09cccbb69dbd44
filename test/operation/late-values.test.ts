import { createReadStream, createWriteStream, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { once } from 'node:events';
import { StreamableFile } from '@nestjs/common';
import { afterAll, describe, expect, it } from '@jest/globals';
import { type Operation, OperationRegistry, type RunOptions } from 'nestjs-cancelable';
import { deferred, microtasks, rejection, turn } from '../support/deferred.js';
import { MemoryLog } from '../support/memory-log.js';
import { removeFolder } from '../support/remove-folder.js';

const folder = mkdtempSync(join(tmpdir(), 'late-'));
const file = join(folder, 'file');
writeFileSync(file, 'content');
afterAll(() => removeFolder(folder));

const { asyncDispose, dispose } = Symbol as unknown as Record<'asyncDispose' | 'dispose', symbol>;

/** A file that is open. */
async function openFile(): Promise<Readable> {
  const stream = createReadStream(file);
  await once(stream, 'open');
  return stream;
}

/** A call that is canceled first, and whose body then gives a value. */
async function giveLate(value: unknown, options: RunOptions = {}) {
  const log = new MemoryLog();
  const registry = new OperationRegistry({ logger: log });
  const body = deferred<unknown>();
  let operation!: Operation;
  const work = registry.run({ name: 'open', ...options }, (own) => {
    operation = own;
    return body.promise;
  });
  operation.cancel();
  const outcome = work.catch((error: unknown) => error);
  body.resolve(value);
  await microtasks();
  return { log, result: await outcome, operation };
}

describe('rule 10: a result that comes too late is closed', () => {
  it('a Node stream', async () => {
    const stream = await openFile();
    await giveLate(stream);
    expect(stream.destroyed).toBe(true);
    if (!stream.closed) await once(stream, 'close');
  });

  it('a Node stream that is written', async () => {
    const stream = createWriteStream(join(folder, 'written'));
    await once(stream, 'open');
    await giveLate(stream);
    expect(stream.destroyed).toBe(true);
  });

  it('a stream that fails afterwards, without a listener for it', async () => {
    const stream = new Readable({
      read() {},
      destroy(_error, callback) {
        callback(new Error('cannot close'));
      },
    });
    await giveLate(stream);
    await turn();
    expect(stream.destroyed).toBe(true);
  });

  it("a StreamableFile's stream", async () => {
    const stream = await openFile();
    await giveLate(new StreamableFile(stream));
    expect(stream.destroyed).toBe(true);
  });

  it('a web stream, read or written', async () => {
    const closed: string[] = [];
    await giveLate(new ReadableStream({ cancel: () => void closed.push('canceled') }));
    await giveLate(new WritableStream({ abort: () => void closed.push('aborted') }));
    expect(closed).toEqual(['canceled', 'aborted']);
  });

  it('an iterator, asynchronous or not', async () => {
    const closed: string[] = [];
    const iterator = (name: string) => ({
      next: () => ({ done: false, value: 1 }),
      return: () => {
        closed.push(name);
        return { done: true, value: undefined };
      },
    });
    await giveLate(iterator('one'));
    await giveLate({ ...iterator('other'), [Symbol.asyncIterator]: () => iterator('never') });
    expect(closed).toEqual(['one', 'other']);
  });

  it('disposables', async () => {
    const closed: string[] = [];
    await giveLate({ [dispose]: () => void closed.push('disposed') });
    await giveLate({
      [asyncDispose]: async () => void closed.push('disposed later'),
      [dispose]: () => void closed.push('never'),
    });
    expect(closed).toEqual(['disposed', 'disposed later']);
  });

  it('all that an array has', async () => {
    const streams = [await openFile(), await openFile()];
    await giveLate([...streams, 1, null]);
    expect(streams.map(({ destroyed }) => destroyed)).toEqual([true, true]);
  });

  it('nothing that cannot be closed, and nothing that is not late', async () => {
    const session = {
      destroy: () => {
        throw new Error('called');
      },
    };
    const { log } = await giveLate(session);
    expect(log.errors).toEqual([]);

    const stream = new PassThrough();
    await new OperationRegistry().run('open', () => [stream]);
    expect(stream.destroyed).toBe(false);
    const { result } = await giveLate(stream, { settle: 'wait' });
    expect(result).toBe(stream);
    expect(stream.destroyed).toBe(false);
  });

  it('one whose closing fails, which is logged', async () => {
    const failure = new Error('stuck');
    const ways = [
      {
        [dispose]: () => {
          throw failure;
        },
      },
      { [asyncDispose]: () => Promise.reject(failure) },
      {
        next: () => {},
        return: () => {
          throw failure;
        },
      },
    ];
    for (const value of ways) {
      const { log } = await giveLate(value);
      expect(log.errors).toEqual(['Closing the late result of open failed: Error: stuck']);
    }
  });
});

describe('late results of', () => {
  it.each(['cancel-previous', 'reject', 'join'] as const)(
    'an exclusive call (%s)',
    async (onConflict) => {
      const stream = new PassThrough();
      await giveLate(stream, { exclusive: { onConflict, key: 'all' } });
      expect(stream.destroyed).toBe(true);
    },
  );

  it("a part of a handle's work", async () => {
    const stream = new PassThrough();
    const handle = new OperationRegistry({ logger: new MemoryLog() }).start('upload');
    const body = deferred<unknown>();
    const part = handle.run(() => body.promise);
    handle.operation.cancel();
    await rejection(part);
    body.resolve(stream);
    await microtasks();
    expect(stream.destroyed).toBe(true);
  });

  it('a child whose parent has failed: one of a group', async () => {
    const stream = new PassThrough();
    const body = deferred<unknown>();
    const registry = new OperationRegistry({ logger: new MemoryLog() });
    await rejection(
      registry.run('group', () =>
        Promise.all([
          registry.run('broken', () => Promise.reject(new Error('broken'))),
          registry.run('open', () => body.promise),
        ]),
      ),
    );
    body.resolve(stream);
    await microtasks();
    expect(stream.destroyed).toBe(true);
  });

  it('an attempt', async () => {
    const stream = new PassThrough();
    const body = deferred<unknown>();
    const registry = new OperationRegistry({ logger: new MemoryLog() });
    const work = rejection(registry.run('work', (own) => own.wrap(() => body.promise)()));
    registry.cancelAll({});
    await work;
    body.resolve(stream);
    await microtasks();
    expect(stream.destroyed).toBe(true);
  });

  it('a source: the item that its next() was about to give', async () => {
    const item = new PassThrough();
    const next = deferred<IteratorResult<PassThrough>>();
    const registry = new OperationRegistry({ logger: new MemoryLog() });
    const work = rejection(
      registry.run('work', async (own) => {
        const files = { [Symbol.asyncIterator]: () => ({ next: () => next.promise }) };
        for await (const each of own.stream(files)) each.resume();
      }),
    );
    registry.cancelAll({});
    await work;
    next.resolve({ done: false, value: item });
    await microtasks();
    expect(item.destroyed).toBe(true);
  });
});
