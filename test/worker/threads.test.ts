import { describe, expect, it } from '@jest/globals';
import { OperationRegistry, type RunOptions } from 'nestjs-cancelable';
import { runInThread } from 'nestjs-cancelable/worker';
import { deferred, rejection } from '../support/deferred.js';
import { MemoryLog } from '../support/memory-log.js';
import { functions, gate, reported } from './support.js';
import type * as tasks from './thread-functions.js';

const registry = new OperationRegistry();

/** A live operation that waits for a function in a thread. */
function inThread(options: RunOptions | string, name: string, ...args: any[]) {
  return registry.spawn(options, () => runInThread(functions, { name, args, grace: '1h' }));
}

describe('runInThread() carries the operation over', () => {
  it('with id, name, kind, metadata, tags and deadline', async () => {
    const options: RunOptions = {
      name: 'report',
      kind: 'job',
      timeout: '1h',
      metadata: { owner: 'ann', at: new Date(5) },
      tags: ['big'],
    };
    await registry.run(options, async (operation) => {
      const found = await runInThread<typeof tasks.describeOperation>(functions, {
        name: 'describeOperation',
      });
      const { id, name, kind, metadata, tags } = operation;
      expect(found).toMatchObject({ id, name, kind, metadata, tags });
      const deadline = (operation.token.deadline as Date).getTime();
      expect(Math.abs((found.deadline as number) - deadline)).toBeLessThan(1_000);
    });
  });

  it('calls the default export with cloned arguments, and returns its value', async () => {
    const sum = registry.run('sum', () =>
      runInThread<typeof tasks.default>(functions, { args: [2, 3] }),
    );
    expect(await sum).toBe(5);
  });

  it('runs without one where nothing is current', async () => {
    expect(await runInThread(functions, { name: 'operationIsKnown' })).toBe(false);
  });

  it('starts the thread with the flags it is given', async () => {
    const execArgv = ['--no-deprecation'];
    const options = { name: 'flags', worker: { execArgv } };
    expect(await runInThread<typeof tasks.flags>(functions, options)).toEqual(execArgv);
  });

  it('ends the thread with the function, whatever it left behind', async () => {
    expect(await runInThread(functions, { name: 'leaveTimer' })).toBe('left');
  });
});

describe('a cancel reaches the thread', () => {
  it('in the middle of a loop, and the caller gets the operation’s own error', async () => {
    let thread!: Promise<unknown>;
    const work = registry.spawn('loop', () => {
      thread = runInThread(functions, { name: 'compute', grace: '1h' });
      return thread;
    });
    await reported(work, 'computing');
    work.cancel({ message: 'enough' });

    expect(await rejection(thread)).toBe(work.cancelation);
    expect(work.cancelation).toMatchObject({ reason: 'manual', message: 'enough' });
  });

  it('in a loop of an operation below, that only asks whether it is canceled', async () => {
    const work = inThread({ name: 'below', settle: 'wait' }, 'computeBelow');
    await reported(work, 'computing');
    work.cancel({ reason: 'shutdown' });

    expect(await work.result).toEqual(['parent', 'shutdown']);
    expect(work.snapshot()).toMatchObject({ status: 'canceled', returned: true });
  });

  it('in a stream whose items are all at hand', async () => {
    const work = inThread('numbers', 'streamNumbers');
    await reported(work, 'streaming');
    work.cancel();

    expect(await rejection(work.result)).toBe(work.cancelation);
  });

  it('as a signal, with class, reason, message, requester, time and causes intact', async () => {
    const work = inThread({ name: 'waiting', settle: 'wait' }, 'waitForSignal');
    await reported(work, 'waiting');
    const other = registry.start('other').operation;
    other.cancel({ reason: 'disconnect' });
    const cause = Object.assign(new TypeError('slow', { cause: other.cancelation }), {
      code: 'E1',
    });
    work.cancel({ reason: 'timeout', message: 'too long', requestedBy: 'ann', cause });
    const error = await rejection(work.result);

    expect(error).toBe(work.cancelation);
    expect(error.partialResult).toEqual({
      brand: true,
      timeout: true,
      name: 'TimeoutError',
      reason: 'timeout',
      message: 'too long',
      requestedBy: 'ann',
      canceledAt: error.canceledAt.getTime(),
      cause: [true, 'slow', 'E1', true],
      root: 'disconnect',
    });
  });

  it('by a deadline, in a loop that looks at no clock', async () => {
    const error = await rejection(
      registry.run({ name: 'late', timeout: '300ms', settle: 'wait' }, () =>
        runInThread(functions, { name: 'compute', grace: '1h' }),
      ),
    );
    expect(error.reason).toBe('timeout');
  });

  it('but not by a deadline that has been moved meanwhile', async () => {
    const work = inThread({ name: 'longer', timeout: '1h' }, 'outliveDeadline');
    await reported(work, 'extended');
    work.extend('1h');

    expect(await work.result).toBe('still here');
  });

  it('when its operation ends without waiting for it', async () => {
    const log = new MemoryLog();
    const own = new OperationRegistry({ logger: log });
    let thread!: Promise<unknown>;
    const finish = deferred();
    const work = own.spawn('careless', () => {
      thread = runInThread(functions, { name: 'compute', grace: '1h' });
      return finish.promise;
    });
    await reported(work, 'computing');
    finish.resolve();

    expect(await rejection(thread)).toMatchObject({ reason: 'parent' });
    expect(work.status).toBe('completed');
    expect(log.warnings.join()).toContain('await it');
  });

  it('but not into a shield', async () => {
    const log: unknown[] = [];
    const work = registry.spawn('payment', (operation) =>
      operation.shield(async () => {
        log.push(await runInThread(functions, { name: 'shielded', grace: 0 }));
      }),
    );
    await reported(work, 'shielded');
    work.cancel();
    await rejection(work.result);

    expect(log).toEqual([false]);
  });

  it('before it starts: then there is no thread', async () => {
    let thread!: Promise<unknown>;
    const work = registry.spawn('over', (operation) => {
      operation.cancel();
      // A thread could not be made with this.
      thread = runInThread(functions, { worker: { execArgv: ['--no-such-flag'] } });
      return thread;
    });
    expect(await rejection(thread)).toBe(work.cancelation);
  });
});

describe('a thread that ignores the cancel', () => {
  it('is terminated after the grace period, and the log says so', async () => {
    const log = new MemoryLog();
    const own = new OperationRegistry({ logger: log });
    let thread!: Promise<unknown>;
    const work = own.spawn('deaf', () => {
      const args = [gate().buffer];
      thread = runInThread(functions, { name: 'ignoreCancel', args, grace: '20ms' });
      return thread;
    });
    await reported(work, 'deaf');
    work.cancel();

    expect(await rejection(thread)).toBe(work.cancelation);
    expect(log.warnings).toEqual([expect.stringMatching(/thread-functions.+deaf.+terminated/)]);
  });

  it('goes on until then: it is canceling, a zombie, and its value counts', async () => {
    const own = new OperationRegistry({ zombies: { after: '1ms' }, logger: new MemoryLog() });
    const door = gate();
    const work = own.spawn({ name: 'deaf', settle: 'wait' }, () => {
      const args = [door.buffer];
      return runInThread(functions, { name: 'ignoreCancel', args, grace: '1h' });
    });
    const zombie = new Promise<void>((resolve) => {
      own.events$.subscribe(({ type }) => type === 'zombie' && resolve());
    });
    await reported(work, 'deaf');
    work.cancel();
    await zombie;
    expect(work.status).toBe('canceling');
    expect(own.statistics().zombies).toBe(1);
    door.open();

    expect(await work.result).toBe('late');
    expect(work.snapshot()).toMatchObject({ status: 'canceled', returned: true, zombie: true });
    expect(own.statistics().zombies).toBe(0);
  });
});

describe('what a thread tells its operation', () => {
  it('is there: progress with its origin, partial results, metadata, the deadline', async () => {
    const seen: unknown[] = [];
    await registry.run('main', async (main) => {
      await registry.run({ name: 'import', timeout: '1h' }, async (operation) => {
        main.onProgress(({ message, percent, metadata, operationName }) => {
          seen.push({ message, percent, metadata, operationName });
        });
        const before = operation.token.remaining();
        expect(await runInThread(functions, { name: 'report' })).toBe('done');
        expect(operation.token.remaining()).toBeGreaterThan(before);
        expect(operation.metadata).toEqual({ rows: 2 });
        expect(operation.partialResult).toEqual({ count: 3, items: [1, 2, 3] });
      });
    });

    expect(seen).toEqual([
      { message: 'half', percent: 50, metadata: { city: 'Paris' }, operationName: 'import' },
      { message: 'a part', percent: undefined, metadata: undefined, operationName: 'part' },
    ]);
  });

  it('may be a cancel of any operation, with an answer', async () => {
    const other = registry.start('other').operation;
    const asker = inThread('asker', 'cancelAnother', other.id);

    expect(await asker.result).toEqual([true, false, false]);
    expect(other.cancelation).toMatchObject({
      reason: 'manual',
      message: 'found',
      requestedBy: asker.id,
      cause: expect.any(RangeError),
    });
  });

  it('may be a cancel of another one even if it never gives way afterwards', async () => {
    const other = registry.start('other').operation;
    const canceled = other.token.whenCanceled();
    const asker = inThread('asker', 'cancelAndCompute', other.id);
    await canceled;
    asker.cancel();

    expect(await rejection(asker.result)).toBe(asker.cancelation);
  });

  it('may be its own cancel', async () => {
    const work = inThread({ name: 'self', settle: 'wait' }, 'cancelItself');
    const error = await rejection(work.result);

    expect(error).toBe(work.cancelation);
    expect(error).toMatchObject({ reason: 'condition', message: 'enough rows' });
  });
});

describe('what a thread throws', () => {
  const failure = (how: string) =>
    rejection(registry.run('fails', () => runInThread(functions, { name: 'fail', args: [how] })));

  it('arrives with class, name, message, code, stack and causes', async () => {
    const error = await failure('database');

    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({
      name: 'DatabaseError',
      message: 'no rows',
      code: 'E42',
      status: 418,
      cause: { message: 'link', cause: { message: 'root' } },
    });
    expect(error.stack).toContain('thread-functions.js');
    expect(error.cause.cause).toBeInstanceOf(Error);
    expect(typeof error.pool).toBe('string');
  });

  it('may be a circle, several errors, one of ours, or no error at all', async () => {
    const { cause } = (await failure('circle')).cause;
    expect(cause.cause).toBe(cause);

    const many = await failure('many');
    expect(many).toBeInstanceOf(AggregateError);
    expect(many.errors).toEqual([new RangeError('one'), 'two']);

    expect((await failure('conflict')).name).toBe('OperationConflict');
    expect(await failure('value')).toEqual({ plain: ['data'] });
  });

  it('may be nothing, because it exited', async () => {
    const error = await rejection(runInThread(functions, { name: 'exitEarly' }));
    expect(error).toMatchObject({
      code: 'ERR_THREAD_EXITED',
      message: expect.stringContaining('7'),
    });
  });
});

describe('what cannot cross is named', () => {
  it('metadata, arguments, results and partial results', async () => {
    const metadata = { owner: 'ann', client: () => {} };
    const run = (options: RunOptions, name: string, ...args: any[]) =>
      rejection(registry.run(options, () => runInThread(functions, { name, args })));

    expect((await run({ name: 'm', metadata }, 'thread')).message).toContain(
      'metadata.client of m',
    );
    expect((await run({ name: 'a' }, 'add', 1, () => {})).message).toContain('argument 1');
    expect((await run({ name: 'r' }, 'notCloneable')).message).toContain(
      'returned cannot be cloned',
    );
    expect((await run({ name: 'p' }, 'notCloneablePartial')).message).toContain('savePartial()');
  });

  it('a file that is none, an unknown export, a grace that is none', async () => {
    const message = async (...args: Parameters<typeof runInThread>) =>
      (await rejection(runInThread(...args))).message;

    expect(await message(5 as never)).toContain('5 is no module file');
    expect(await message(functions, { name: 'nothing' })).toContain("'nothing'");
    expect(await message(functions, { grace: '5' })).toContain('runInThread(): grace');
  });
});
