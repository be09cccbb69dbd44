import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel';
import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Injectable } from '@nestjs/common';
import {
  Cancelable,
  currentOperation,
  type OperationChannelMessage,
  OperationRegistry,
  type OperationRunMessage,
  tryCurrentOperation,
} from 'nestjs-cancelable';
import { lastValueFrom, of } from 'rxjs';
import { startContext } from '../support/app-context.js';
import { deferred, turn } from '../support/deferred.js';
import { runFixture } from '../support/fixture.js';
import { startHttpApp } from '../support/http-app.js';

const undo: (() => void)[] = [];
afterEach(() => undo.splice(0).forEach((step) => step()));

/**
 * Node's channels are those of the whole process, in which work of another file may still be about:
 * what that says is made of objects of another realm.
 */
const isOfThisFile = (message: unknown) => message instanceof Object;

/** What a channel says from now on, until the end of the test. */
function heard(
  name: string,
  hear: (message: OperationChannelMessage) => void,
): OperationChannelMessage[] {
  const messages: OperationChannelMessage[] = [];
  const listener = (message: unknown) => {
    if (!isOfThisFile(message)) return;
    messages.push(message as OperationChannelMessage);
    hear(message as OperationChannelMessage);
  };
  subscribe(name, listener);
  undo.push(() => unsubscribe(name, listener));
  return messages;
}

describe('the channels nestjs-cancelable:operation:*', () => {
  it('tell of start, cancel, zombie and settle, in this order', async () => {
    const order: string[] = [];
    for (const what of ['start', 'cancel', 'zombie', 'settle']) {
      heard(`nestjs-cancelable:operation:${what}`, ({ version, operation, at }) => {
        order.push(`${what} ${version} ${operation.name} ${operation.status} ${operation.reason}`);
        expect(at).toBeInstanceOf(Date);
      });
    }
    const registry = new OperationRegistry({ zombies: { after: 1 } });
    const zombie = new Promise<void>((resolve) => {
      heard('nestjs-cancelable:operation:zombie', () => resolve());
    });
    const gate = deferred();
    const result = registry.run('report', () => gate.promise);
    registry.cancelAll({}, { reason: 'condition' });
    await expect(result).rejects.toThrow();
    await zombie;
    gate.resolve();
    await registry.whenIdle();

    expect(order).toEqual([
      'start 1 report running undefined',
      'cancel 1 report canceling condition',
      'zombie 1 report canceling condition',
      'settle 1 report canceled condition',
    ]);
  });

  it('show the operation as it was, even when that is read later', async () => {
    const started = heard('nestjs-cancelable:operation:start', () => {});
    const registry = new OperationRegistry();
    await registry.run('report', (operation) => operation.annotate({ pages: 3 }));
    expect(started[0]!.operation).toMatchObject({ status: 'running', metadata: {} });
    expect(started[0]!.operation).toBe(started[0]!.operation);
  });

  it('tell of the end outside of the operation: what begins there is no part of it', async () => {
    const places: unknown[] = [];
    heard('nestjs-cancelable:operation:settle', () => places.push(tryCurrentOperation()));
    await new OperationRegistry().run('report', async () => {});
    expect(places).toEqual([undefined]);
  });

  it('tell of start and cancel in the context of who begins and cancels', async () => {
    const storage = new AsyncLocalStorage<string>();
    const places: unknown[] = [];
    for (const what of ['start', 'cancel']) {
      heard(`nestjs-cancelable:operation:${what}`, () =>
        places.push([what, storage.getStore(), tryCurrentOperation()?.name]),
      );
    }
    const registry = new OperationRegistry();
    await storage.run('caller', () =>
      registry.run('outer', async () => {
        const inner = registry.spawn('inner', (operation) => operation.sleep('1h'));
        storage.run('canceler', () => inner.cancel());
        await inner.result.catch(() => {});
      }),
    );
    expect(places).toEqual([
      ['start', 'caller', undefined],
      ['start', 'caller', 'outer'],
      ['cancel', 'canceler', 'outer'],
    ]);
  });

  it('tell of a cancel after its listeners, and when it happened', async () => {
    const order: unknown[] = [];
    const begin = Date.now();
    const messages = heard('nestjs-cancelable:operation:cancel', () => order.push('told'));
    const registry = new OperationRegistry();
    const result = registry.run('report', (operation) => {
      operation.onCancel(() => void order.push('listener'));
      return operation.sleep('1h');
    });
    registry.cancelAll({});
    await expect(result).rejects.toThrow();
    expect(order).toEqual(['listener', 'told']);
    expect(messages[0]!.at.getTime()).toBeGreaterThanOrEqual(begin);
    expect(messages[0]!.at.getTime()).toBeLessThanOrEqual(Date.now());
  });

  it('tell of the partial result that there was', async () => {
    const messages = heard('nestjs-cancelable:operation:settle', () => {});
    await new OperationRegistry().run('report', (operation) => operation.savePartial(7));
    expect(messages[0]!.operation.partialResult).toBe(7);
  });

  it('leave a subscriber that throws to Node: no operation changes', async () => {
    const fixture = new URL('failing-subscriber.fixture.ts', import.meta.url);
    const { reported, ...rest } = await runFixture<{ reported: string[] }>(fixture);
    expect(rest).toEqual({ done: 'done', reason: 'manual', failed: 'no paper', live: 0 });
    expect(reported.sort()).toEqual(
      [
        'cancel',
        ...['asyncEnd', 'asyncStart', 'end', 'error', 'start'].map((event) => `run:${event}`),
        'settle',
        'start',
        'zombie',
      ].sort(),
    );
  });

  it('make nothing once nobody subscribes any more', async () => {
    const messages = heard('nestjs-cancelable:operation:start', () => {});
    const registry = new OperationRegistry();
    await registry.run('report', () => {});
    undo.splice(0).forEach((step) => step());
    await registry.run('report', () => {});
    expect(messages).toHaveLength(1);
  });
});

describe('the tracing channel nestjs-cancelable:operation:run', () => {
  const channel = tracingChannel<unknown, OperationRunMessage>('nestjs-cancelable:operation:run');

  /** Hears all five channels until the end of the test. */
  function hear(listener: (event: string, message: OperationRunMessage) => void): void {
    const on = (event: string) => (message: OperationRunMessage) => {
      if (isOfThisFile(message)) listener(event, message);
    };
    const all = {
      start: on('start'),
      end: on('end'),
      asyncStart: on('asyncStart'),
      asyncEnd: on('asyncEnd'),
      error: on('error'),
    };
    channel.subscribe(all);
    undo.push(() => channel.unsubscribe(all));
  }

  function trace(): [string, OperationRunMessage][] {
    const events: [string, OperationRunMessage][] = [];
    hear((event, message) => void events.push([event, message]));
    return events;
  }

  @Injectable()
  class Reports {
    @Cancelable()
    async build() {
      await turn();
      return currentOperation().name;
    }

    @Cancelable()
    async fail(): Promise<void> {
      await turn();
      throw new RangeError('no paper');
    }

    @Cancelable()
    throwAtOnce(): Promise<void> {
      throw new RangeError('no ink');
    }

    @Cancelable()
    rows() {
      return of(1, 2);
    }
  }

  it('tells of a call what Node tells of a promise, with one message', async () => {
    const { app } = await startContext({ providers: [Reports] });
    const events = trace();
    expect(await app.get(Reports).build()).toBe('Reports.build');

    expect(events.map(([event]) => event)).toEqual(['start', 'end', 'asyncStart', 'asyncEnd']);
    const [[, message]] = events as [[string, OperationRunMessage]];
    expect(new Set(events.map(([, each]) => each)).size).toBe(1);
    expect(message).toMatchObject({ version: 1, result: 'Reports.build' });
    expect(message).not.toHaveProperty('error');
    expect(message.operation).toMatchObject({ name: 'Reports.build', status: 'completed' });
  });

  it.each([
    ['a rejection', 'fail', ['start', 'end', 'error', 'asyncStart', 'asyncEnd']],
    ['a throw', 'throwAtOnce', ['start', 'error', 'end']],
  ] as const)('tells of %s', async (_, method, order) => {
    const { app } = await startContext({ providers: [Reports] });
    const events = trace();
    await expect(app.get(Reports)[method]()).rejects.toThrow(RangeError);
    expect(events.map(([event]) => event)).toEqual(order);
    expect(events[0]![1].error).toBeInstanceOf(RangeError);
  });

  it('tells of the call alone where the result is consumed later', async () => {
    const { app } = await startContext({ providers: [Reports] });
    const events = trace();
    await lastValueFrom(app.get(Reports).rows());
    expect(events.map(([event]) => event)).toEqual(['start', 'end']);
  });

  it('has the body run in what is bound to its start, and takes part in nothing else', async () => {
    const storage = new AsyncLocalStorage<string>();
    channel.start.bindStore(storage, ({ operation }) => operation.name);
    undo.push(() => void channel.start.unbindStore(storage));
    const seen = await new OperationRegistry().run('report', async () => {
      await turn();
      return storage.getStore();
    });
    expect(seen).toBe('report');
    expect(storage.getStore()).toBeUndefined();
  });

  it.each(['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const)(
    'tells who subscribes to %s alone',
    async (event) => {
      const names: string[] = [];
      const listener = (message: unknown) => {
        if (isOfThisFile(message)) names.push((message as OperationRunMessage).operation.name);
      };
      channel[event].subscribe(listener);
      undo.push(() => void channel[event].unsubscribe(listener));
      const registry = new OperationRegistry();
      await registry.run('report', async () => {});
      await registry.run('broken', () => Promise.reject(new Error('x'))).catch(() => {});
      expect(names).toEqual(event === 'error' ? ['broken'] : ['report', 'broken']);
    },
  );

  it('tells results and errors when they are known, the error before the end', async () => {
    const events: unknown[] = [];
    hear((event, { result, error }) => {
      events.push([event, result, (error as Error | undefined)?.message]);
    });
    const registry = new OperationRegistry();
    await registry.run('report', async () => 7);
    await registry.run('plain', () => 8);
    await registry.run('broken', () => Promise.reject(new Error('x'))).catch(() => {});
    expect(events).toEqual([
      ['start', undefined, undefined],
      ['end', undefined, undefined],
      ['asyncStart', 7, undefined],
      ['asyncEnd', 7, undefined],
      ['start', undefined, undefined],
      ['end', 8, undefined],
      ['start', undefined, undefined],
      ['end', undefined, undefined],
      ['error', undefined, 'x'],
      ['asyncStart', undefined, 'x'],
      ['asyncEnd', undefined, 'x'],
    ]);
  });

  it('traces spawned work and the parts of a handle, without the partial result', async () => {
    const events = trace();
    const registry = new OperationRegistry();
    await registry.spawn('spawned', async (operation) => operation.savePartial(7)).result;
    const handle = registry.start('handle');
    for (const part of [1, 2]) await handle.run(() => part);
    await handle.complete();
    const started = events.filter(([event]) => event === 'start').map(([, message]) => message);
    expect(started.map(({ operation }) => operation.name)).toEqual(['spawned', 'handle', 'handle']);
    expect(started[0]!.operation.partialResult).toBeUndefined();
  });

  it('traces no handler that is not decorated: it has no body to call', async () => {
    @Controller()
    class Pages {
      @Get('plain')
      plain(): string {
        return currentOperation().name;
      }

      @Get('decorated')
      @Cancelable()
      async decorated(): Promise<string> {
        return currentOperation().name;
      }
    }
    const { url, registry } = await startHttpApp('Express', { controllers: [Pages] });
    const events = trace();
    for (const path of ['plain', 'decorated']) {
      expect(await (await fetch(`${url}/${path}`)).text()).toBe(`GET /${path}`);
    }
    await registry.whenIdle();
    const names = events.map(([event, { operation }]) => `${event} ${operation.name}`);
    expect(names).toEqual([
      'start GET /decorated',
      'end GET /decorated',
      'asyncStart GET /decorated',
      'asyncEnd GET /decorated',
    ]);
  });

  it('begins a lazy promise once', async () => {
    trace();
    let begun = 0;
    const query = {
      then: (resolve: (value: number) => void) => {
        begun++;
        resolve(7);
      },
    } as unknown as Promise<number>;
    expect(await new OperationRegistry().run('query', () => query)).toBe(7);
    expect(begun).toBe(1);
  });
});
