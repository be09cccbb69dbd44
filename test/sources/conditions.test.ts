import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  onCondition,
  onResources,
  onStall,
  type Operation,
  OperationRegistry,
} from 'nestjs-cancelable';
import { deferred, isPending, microtasks, rejection, thrown } from '../support/deferred.js';

/** Runs until it is canceled. */
const forever = (operation: Operation) => operation.sleep('1h');

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

describe('rule 19: onCondition', () => {
  it('checks at once, so that the body does not run when it is met already', async () => {
    let ran = false;
    const result = new OperationRegistry().run({ sources: [onCondition(() => true)] }, () => {
      ran = true;
    });
    expect(await rejection(result)).toMatchObject({ reason: 'condition' });
    expect(ran).toBe(false);
  });

  it.each([
    ['a value', (done: () => boolean) => () => done()],
    ['an async function', (done: () => boolean) => async () => done()],
    ['a function that returns a promise', (done: () => boolean) => () => Promise.resolve(done())],
  ])('awaits %s, and asks again after a while', async (_kind, make) => {
    let done = false;
    let checks = 0;
    const check = make(() => {
      checks++;
      return done;
    });
    const source = onCondition(check, { every: '1s', name: 'queue is empty' });
    const result = new OperationRegistry().run({ sources: [source] }, forever);
    await microtasks();
    expect(checks).toBe(1);
    await jest.advanceTimersByTimeAsync(999);
    expect(checks).toBe(1);
    await jest.advanceTimersByTimeAsync(1);
    expect(checks).toBe(2);
    expect(await isPending(result)).toBe(true);
    done = true;
    await jest.advanceTimersByTimeAsync(1_000);
    expect(await rejection(result)).toMatchObject({
      reason: 'condition',
      message: 'queue is empty',
    });
  });

  it('never overlaps, and leaving does not wait for a running check', async () => {
    const check = deferred<boolean>();
    let checks = 0;
    const source = onCondition(() => {
      checks++;
      return check.promise;
    });
    const body = deferred<number>();
    const result = new OperationRegistry().run({ sources: [source] }, () => body.promise);
    await jest.advanceTimersByTimeAsync(10_000);
    expect(checks).toBe(1);
    body.resolve(1);
    expect(await result).toBe(1);
    check.resolve(true);
    await jest.advanceTimersByTimeAsync(10_000);
    expect(checks).toBe(1);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('cancels with the error as cause after too many failures in a row', async () => {
    const error = new Error('no connection');
    let checks = 0;
    const source = onCondition(
      () => {
        checks++;
        if (checks === 2) return false;
        throw error;
      },
      { every: '1s', maxErrors: 3, name: 'job is done' },
    );
    const result = new OperationRegistry().run({ sources: [source] }, forever);
    await jest.advanceTimersByTimeAsync(3_000);
    expect(await isPending(result)).toBe(true);
    await jest.advanceTimersByTimeAsync(1_000);
    const failure = await rejection(result);
    expect(checks).toBe(5);
    expect(failure).toMatchObject({ reason: 'condition', cause: error });
    expect(failure.message).toBe('job is done failed 3 times in a row');
  });

  it('takes four failures in a row, unless told otherwise, and no fifth', async () => {
    const failing = () => Promise.reject(new Error('no connection'));
    const source = onCondition(failing, { every: '1s', name: 'job is done' });
    const result = new OperationRegistry().run({ sources: [source] }, forever);
    await jest.advanceTimersByTimeAsync(3_000);
    expect(await isPending(result)).toBe(true);
    await jest.advanceTimersByTimeAsync(1_000);
    expect((await rejection(result)).message).toBe('job is done failed 5 times in a row');
  });

  it('refuses impossible options', () => {
    expect(thrown(() => onCondition(true as never)).message).toContain('onCondition()');
    expect(thrown(() => onCondition(() => true, { every: '0' })).message).toContain('every');
    expect(thrown(() => onCondition(() => true, { maxErrors: 0 })).message).toContain('maxErrors');
  });
});

describe('rule 17: stall', () => {
  it('cancels with timeout when nothing moves, and progress of a descendant counts', async () => {
    const registry = new OperationRegistry();
    const report = deferred<() => void>();
    const result = registry.run({ name: 'import', stall: '10s' }, () =>
      registry.run('child', (child) => {
        report.resolve(() => child.reportProgress('moving'));
        return forever(child);
      }),
    );
    const move = await report.promise;
    for (let index = 0; index < 5; index++) {
      await jest.advanceTimersByTimeAsync(9_000);
      move();
    }
    expect(await isPending(result)).toBe(true);
    await jest.advanceTimersByTimeAsync(10_001);
    expect(await rejection(result)).toMatchObject({
      reason: 'timeout',
      message: 'no progress for 10s',
    });
  });

  it('as a source, counts streamed items, and is paused by an open shield', async () => {
    const registry = new OperationRegistry();
    const next = { item: deferred<number>() };
    async function* items() {
      for (;;) yield await next.item.promise;
    }
    const payment = deferred();
    const result = registry.run({ sources: [onStall('10s')] }, async (operation) => {
      for await (const item of operation.stream(items())) {
        next.item = deferred();
        if (item === 3) await operation.shield(() => payment.promise);
      }
    });
    for (const item of [1, 2, 3]) {
      await jest.advanceTimersByTimeAsync(8_000);
      next.item.resolve(item);
      await microtasks();
    }
    await jest.advanceTimersByTimeAsync(60_000);
    expect(await isPending(result)).toBe(true);
    payment.resolve();
    await jest.advanceTimersByTimeAsync(25_000);
    expect(await rejection(result)).toMatchObject({ reason: 'timeout' });
  });
});

describe('rule 15: detached work and a stall', () => {
  it('do not know of each other: it is not canceled, and its progress does not count', async () => {
    const registry = new OperationRegistry();
    const detached = deferred<Operation>();
    const result = registry.run({ name: 'import', stall: '10s' }, async (operation) => {
      detached.resolve(registry.spawn({ name: 'mail', detached: true }, forever));
      await forever(operation);
    });
    const outcome = rejection(result);
    const mail = await detached.promise;
    await jest.advanceTimersByTimeAsync(9_000);
    mail.reportProgress('moving');
    await jest.advanceTimersByTimeAsync(1_001);
    expect(await outcome).toMatchObject({ reason: 'timeout' });
    await jest.advanceTimersByTimeAsync(60_000);
    expect(mail.status).toBe('running');
    mail.cancel();
  });
});

describe('onResources', () => {
  it.each([
    ['memory', { memory: 0 }, /^memory at \d+ %, limit 0 %$/],
    ['heap', { heap: 0 }, /^heap at \d+ %, limit 0 %$/],
    ['cpu', { cpu: 0 }, /^cpu at \d+ %, limit 0 %$/],
    ['event loop delay', { eventLoopDelay: 0 }, /^event loop delay \d+ ms, limit 0 ms$/],
    ['disk', { disk: { path: '/', used: 0 } }, /^disk \/ at \d+ %, limit 0 %$/],
  ])('cancels when %s is above its limit; 0 is a limit', async (_what, limits, message) => {
    jest.useRealTimers();
    const source = onResources({ ...limits, every: '1ms' });
    const result = new OperationRegistry().run({ sources: [source] }, forever);
    const error = await rejection(result);
    expect(error.reason).toBe('condition');
    expect(error.message).toMatch(message);
  });

  it('waits for as long as "sustained" says', async () => {
    const source = onResources({ memory: 0, every: '1s', sustained: '5s' });
    const result = new OperationRegistry().run({ sources: [source] }, forever);
    await jest.advanceTimersByTimeAsync(5_900);
    expect(await isPending(result)).toBe(true);
    await jest.advanceTimersByTimeAsync(200);
    expect(await rejection(result)).toMatchObject({ reason: 'condition' });
    expect(jest.getTimerCount()).toBe(0);
  });

  it('says so when a resource cannot be sampled', async () => {
    jest.useRealTimers();
    const source = onResources({ disk: { path: '/no/such/place', used: 0.9 }, every: '1ms' });
    const result = new OperationRegistry().run({ sources: [source] }, forever);
    const error = await rejection(result);
    expect(error.message).toBe('resources cannot be sampled');
    expect(error.cause).toMatchObject({ code: 'ENOENT' });
  });

  it.each([
    [{ memory: 2 }, 'memory'],
    [{ cpu: -1 }, 'cpu'],
    [{ heap: Number.NaN }, 'heap'],
    [{ disk: { path: '/' } }, 'disk'],
    [{ every: '1s' }, 'at least one'],
    [{ memory: 0.5, colour: 'red' }, 'colour'],
  ])('refuses %j', (limits, hint) => {
    expect(thrown(() => onResources(limits as never)).message).toContain(hint);
  });
});
