import { describe, expect, it } from '@jest/globals';
import {
  bind,
  currentOperation,
  currentToken,
  type Operation,
  OperationRegistry,
  tryCurrentOperation,
} from 'nestjs-cancelable';
import { deferred, rejection, thrown } from '../support/deferred.js';
import { MemoryLog } from '../support/memory-log.js';

const setup = () => {
  const log = new MemoryLog();
  return { log, registry: new OperationRegistry({ logger: log }) };
};

const nameHere = () => tryCurrentOperation()?.name ?? 'none';

describe('bind(fn)', () => {
  it('runs in the operation it was made in, wherever it is called', async () => {
    const { registry } = setup();
    const calls: (() => unknown)[] = [];
    const open = deferred();
    const first = registry.run('first', () => {
      calls.push(nameHere, bind(nameHere));
      return open.promise;
    });
    await registry.run('second', () => {
      expect(calls.map((call) => call())).toEqual(['second', 'first']);
    });
    expect(calls.map((call) => call())).toEqual(['none', 'first']);
    open.resolve();
    await first;
  });

  it('made outside of any operation, runs outside of any', async () => {
    const { registry } = setup();
    const outside = bind(nameHere);
    await registry.run('second', () => expect(outside()).toBe('none'));
  });

  it('gives a neighbour of a shared queue its own operation', async () => {
    const { registry } = setup();
    const tasks: (() => Promise<unknown>)[] = [];
    const pushed = deferred();
    const drain = async () => {
      await pushed.promise;
      for (const task of tasks) await task();
    };
    // The queue lives in the context of whoever woke it.
    let first!: Operation;
    const draining = registry.run('first request', (operation) => {
      first = operation;
      return drain();
    });
    const second = registry.run(
      'second request',
      () =>
        new Promise((resolve, reject) => {
          const task = bind(() => registry.run('task', (own) => own.parent?.name));
          tasks.push(() => task().then(resolve, reject));
        }),
    );
    first.cancel();
    await rejection(draining);
    pushed.resolve();
    expect(await second).toBe('second request');
  });

  it('keeps this, arguments, result, name and length', () => {
    const receiver = { factor: 2 };
    function scale(this: { factor: number }, value: number): number {
      return this.factor * value;
    }
    const bound = bind(scale);
    expect(bound.call(receiver, 21)).toBe(42);
    expect([bound.name, bound.length]).toEqual(['scale', 1]);
  });

  it('refuses what is no function', () => {
    expect(thrown(() => bind('nothing' as never)).message).toMatch(
      /^bind\(\): 'nothing' is not allowed\. Allowed: a function\./,
    );
  });

  it('begins roots once its operation has ended', async () => {
    const { registry } = setup();
    let late!: () => Promise<unknown>;
    await registry.run('over', () => {
      late = bind(() => registry.run('late', (own) => own.snapshot().parentId ?? 'a root'));
    });
    expect(await late()).toBe('a root');
  });
});

describe('operation.bind(fn)', () => {
  it('runs in that operation', async () => {
    const { registry } = setup();
    const handle = registry.start('import');
    const bound = handle.operation.bind(nameHere);
    await registry.run('other', () => expect(bound()).toBe('import'));
    await handle.complete();
  });

  it('made in a shield, runs under its token until it is closed, then in the operation', async () => {
    const { registry } = setup();
    const seen: boolean[] = [];
    let bound!: () => void;
    await rejection(
      registry.run('order', async (operation) => {
        await operation.shield(() => {
          bound = operation.bind(() => void seen.push(currentToken().isCanceled));
          operation.cancel();
          bound();
        });
        bound();
        expect(currentOperation()).toBe(operation);
        operation.token.throwIfCanceled();
      }),
    );
    expect(seen).toEqual([false, true]);
  });
});
