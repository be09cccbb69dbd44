import { setTimeout as sleepOfNode } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import {
  type CancelationError,
  type Operation,
  OperationRegistry,
  ParentCancelation,
} from 'nestjs-cancelable';
import { Interruption } from '../../lib/operation/interruption.js';
import { deferred, microtasks, rejection } from '../support/deferred.js';
import { MemoryLog } from '../support/memory-log.js';

/** Cancels a waiting operation whose body then fails with what `fail` gives. */
async function failAfterCancel(
  fail: (operation: Operation) => unknown,
  settle: 'race' | 'wait' = 'wait',
) {
  const log = new MemoryLog();
  const registry = new OperationRegistry({ logger: log });
  const body = deferred();
  let operation!: Operation;
  const work = registry.run({ name: 'work', settle }, (own) => {
    operation = own;
    return body.promise;
  });
  operation.cancel({ reason: 'disconnect' });
  const original = fail(operation);
  body.reject(original);
  const surfaced = await rejection(work);
  await microtasks();
  return { surfaced, original, operation, log, snapshot: registry.history()[0] };
}

const named = (name: string) => Object.assign(new Error('stopped'), { name });
const coded = (code: string) => Object.assign(new Error('stopped'), { code });

describe("rule 8: an error that is due to the cancelation surfaces as the operation's own", () => {
  it.each<[string, (operation: Operation) => unknown]>([
    ['the error itself', ({ cancelation }) => cancelation],
    ["the signal's reason", ({ signal }) => signal.reason],
    ['the error as cause', ({ cancelation }) => new Error('query', { cause: cancelation })],
    [
      'the error deep in the chain',
      ({ cancelation }) => new Error('a', { cause: new Error('b', { cause: cancelation }) }),
    ],
    [
      'the error among errors',
      ({ cancelation }) => new AggregateError([new Error('x'), cancelation]),
    ],
    [
      'the error below one of the errors',
      ({ cancelation }) => new AggregateError([new Error('x', { cause: cancelation })]),
    ],
    ['an AbortError', () => named('AbortError')],
    ['a TimeoutError', () => named('TimeoutError')],
    ['a CanceledError', () => named('CanceledError')],
    ['a DOMException', () => new DOMException('aborted', 'AbortError')],
    ['code ABORT_ERR', () => coded('ABORT_ERR')],
    ['code ERR_CANCELED', () => coded('ERR_CANCELED')],
    ['code 57014', () => coded('57014')],
    [
      'the error where an ORM keeps what its driver failed with',
      ({ cancelation }) => Object.assign(new Error('query failed'), { driverError: cancelation }),
    ],
    ['code ER_QUERY_INTERRUPTED', () => coded('ER_QUERY_INTERRUPTED')],
    [
      'what a client makes of being interrupted',
      ({ cancelation }) =>
        new TypeError('fetch failed', { cause: new Interruption(cancelation as CancelationError) }),
    ],
  ])('%s', async (_, fail) => {
    const { surfaced, operation, snapshot } = await failAfterCancel(fail);
    expect(surfaced).toBe(operation.cancelation);
    expect(operation.status).toBe('canceled');
    expect(snapshot).toMatchObject({ status: 'canceled', reason: 'disconnect' });
  });

  it('keeps the original as the cause', async () => {
    const { surfaced, original } = await failAfterCancel(() => coded('57014'));
    expect(surfaced.cause).toBe(original);
  });

  it('keeps a cause that is there already', async () => {
    const registry = new OperationRegistry();
    const why = new Error('socket hang up');
    const work = registry.run({ name: 'work', settle: 'wait' }, (operation) => {
      operation.cancel({ cause: why });
      throw named('AbortError');
    });
    expect((await rejection(work)).cause).toBe(why);
  });

  it('makes no circle when the original contains the error', async () => {
    const { surfaced } = await failAfterCancel(
      ({ cancelation }) => new Error('query', { cause: cancelation }),
    );
    expect(surfaced.cause).toBeUndefined();
    const among = await failAfterCancel(({ cancelation }) => new AggregateError([cancelation]));
    expect(among.surfaced.cause).toBeUndefined();
  });

  it('finds its way through circles of causes and errors', async () => {
    const circle = new AggregateError([]);
    circle.errors.push(circle);
    circle.cause = circle;
    const { surfaced, operation } = await failAfterCancel(() => circle);
    expect(surfaced).toBe(circle);
    expect(operation.status).toBe('failed');
  });

  it('maps what Node makes of the signal', async () => {
    const registry = new OperationRegistry();
    const running = deferred<Operation>();
    const work = registry.run({ name: 'work', settle: 'wait' }, (operation) => {
      running.resolve(operation);
      return sleepOfNode(100_000, undefined, { signal: operation.signal });
    });
    const operation = await running.promise;
    operation.cancel();
    const error = await rejection(work);
    expect(error).toBe(operation.cancelation);
  });

  it("maps a child's ParentCancelation to the parent's own error", async () => {
    const registry = new OperationRegistry();
    const running = deferred<Operation>();
    const work = registry.run({ name: 'parent', settle: 'wait' }, (operation) =>
      registry.run('child', (child) => {
        running.resolve(operation);
        return child.sleep('1h');
      }),
    );
    const operation = await running.promise;
    operation.cancel({ reason: 'disconnect' });
    const error = await rejection(work);
    expect(error).toBe(operation.cancelation);
    expect(error.cause).toBeUndefined();
  });
});

describe('rule 8: any other error keeps its identity', () => {
  it.each([
    ['an Error', new Error('disk full')],
    ['a string', 'AbortError'],
    ['undefined', undefined],
    ['null', null],
    [
      'an error caused by an AbortError of somebody else',
      new Error('x', { cause: named('AbortError') }),
    ],
  ])('gives %s to the caller of wait, and the status is failed', async (_, failure) => {
    const { surfaced, operation, snapshot } = await failAfterCancel(() => failure);
    expect(surfaced).toBe(failure);
    expect(operation.status).toBe('failed');
    expect(snapshot).toMatchObject({ status: 'failed', reason: 'disconnect' });
  });

  it('is logged with race, while the caller gets the cancelation', async () => {
    const { surfaced, operation, log } = await failAfterCancel(
      () => new Error('disk full'),
      'race',
    );
    expect(surfaced).toBe(operation.cancelation);
    expect(operation.status).toBe('canceled');
    expect(log.warnings).toEqual(['work failed after it was canceled: Error: disk full']);
  });

  it('is never mapped while nothing is canceled', async () => {
    const registry = new OperationRegistry();
    for (const failure of [named('AbortError'), coded('57014')]) {
      const work = registry.run('work', () => Promise.reject(failure));
      expect(await rejection(work)).toBe(failure);
      expect(registry.history().at(-1)?.status).toBe('failed');
    }
  });

  it("keeps a child's own cancelation that leaves an uncanceled parent, which has failed", async () => {
    const registry = new OperationRegistry();
    const work = registry.run('parent', () =>
      registry.run('child', (child) => {
        child.cancel({ reason: 'condition' });
        return child.sleep('1h');
      }),
    );
    const error = await rejection(work);
    expect(error).toMatchObject({ reason: 'condition', operationName: 'child' });
    expect(error).not.toBeInstanceOf(ParentCancelation);
    const [child, parent] = registry.history();
    expect(child).toMatchObject({ name: 'child', status: 'canceled' });
    expect(parent).toMatchObject({ name: 'parent', status: 'failed' });
    expect(parent!.reason).toBeUndefined();
  });
});
