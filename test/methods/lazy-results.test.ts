import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  Cancelable,
  CancelationToken,
  CancelToken,
  currentOperation,
  type Duration,
  injected,
  type Operation,
  OperationConflict,
} from 'nestjs-cancelable';
import { firstValueFrom, NEVER, Observable, of, toArray } from 'rxjs';
import { startContext } from '../support/app-context.js';
import { rejection } from '../support/deferred.js';

afterEach(() => {
  jest.useRealTimers();
});

@Injectable()
class Feeds {
  readonly log: string[] = [];
  operation: Operation | undefined;

  @Cancelable({ exclusive: { onConflict: 'skip' } })
  skipped(): Observable<number> {
    return NEVER;
  }

  @Cancelable({ exclusive: { onConflict: 'join' } })
  joined(): Observable<number> {
    return NEVER;
  }

  @Cancelable({ exclusive: { onConflict: 'skip' } })
  async *generated(): AsyncGenerator<number> {
    yield 1;
    await new Promise(() => {});
  }

  @Cancelable()
  linked(@CancelToken() _token: CancelationToken = injected): Observable<number> | Promise<number> {
    return of(1);
  }

  @Cancelable({ metadata: (city: string) => ({ city }) })
  live(_city: string): Observable<number> | Promise<number> {
    return NEVER;
  }

  @Cancelable({ metadata: (city: string) => ({ city }) })
  async promised(_city: string): Promise<Observable<number>> {
    return NEVER;
  }

  @Cancelable({ timeout: (limit: Duration) => limit })
  limited(_limit: Duration): Observable<number> | Promise<number> {
    return NEVER;
  }

  @Cancelable()
  cold(): Observable<number> {
    this.log.push(currentOperation().id);
    return NEVER;
  }

  @Cancelable()
  either(): Observable<number> | Promise<number> {
    this.log.push(currentOperation().id);
    return NEVER;
  }

  @Cancelable()
  kept(): Observable<number> | Promise<number> {
    this.operation = currentOperation();
    return NEVER;
  }

  @Cancelable()
  broken(): AsyncIterable<number> | Promise<number> {
    return { [Symbol.asyncIterator]: () => ({ next: async () => undefined as never }) };
  }

  @Cancelable()
  brokenLater(): AsyncIterable<number> | Promise<number> {
    const next = async () => ({ value: 1 });
    return { [Symbol.asyncIterator]: () => ({ next, throw: async () => 1 as never }) };
  }

  @Cancelable()
  later(): Observable<number> | Promise<number> {
    return new Observable((subscriber) => {
      this.log.push('ran');
      subscriber.next(1);
    });
  }

  @Cancelable({ exclusive: { onConflict: 'reject' } })
  alone(): Observable<number> | Promise<number> {
    return new Observable((subscriber) => {
      const timer = setTimeout(() => subscriber.error(new Error('late')), 3_600_000);
      return () => clearTimeout(timer);
    });
  }

  @Cancelable()
  async *numbers(): AsyncGenerator<number> {
    yield 1;
    yield 2;
  }

  @Cancelable('1h')
  brokenTeardown(): Observable<number> {
    return new Observable(() => () => {
      throw new Error('teardown');
    });
  }
}

const start = async () => {
  const host = await startContext({ providers: [Feeds] });
  return { ...host, feeds: host.app.get(Feeds) };
};

describe('rule 11: an Observable whose kind is not known beforehand has one operation per subscriber', () => {
  const subscribe = (source: Observable<number>) => {
    const errors: any[] = [];
    const subscription = source.subscribe({ error: (error) => errors.push(error) });
    return { errors, leave: () => subscription.unsubscribe() };
  };

  it('is no zombie while it waits for one, although it was canceled', async () => {
    jest.useFakeTimers();
    const { feeds, registry, log } = await start();
    const source = feeds.kept() as Observable<number>;
    feeds.operation?.cancel();
    jest.advanceTimersByTime(60_000);
    expect(registry.statistics()).toMatchObject({ live: 0, zombies: 0 });
    expect(log.find('warn')).toEqual([]);
    expect(subscribe(source).errors).toMatchObject([{ reason: 'manual' }]);
    expect(registry.statistics()).toMatchObject({ zombies: 0, byStatus: { canceled: 1 } });
  });

  it.each(['live', 'promised'] as const)('siblings, which end one by one (%s)', async (method) => {
    const { feeds, registry } = await start();
    const caller = registry.start('caller');
    const source = (await caller.run(() => feeds[method]('rome') as any)) as Observable<number>;
    // Subscribed to in the context of nobody.
    const first = subscribe(source);
    const second = subscribe(source);
    const third = subscribe(source);
    const operations = registry.list({ name: `Feeds.${method}` });
    expect(operations.map(({ parent }) => parent)).toEqual(Array(3).fill(caller.operation));
    expect(operations.map(({ metadata }) => metadata)).toEqual(Array(3).fill({ city: 'rome' }));
    first.leave();
    expect(registry.list({ name: `Feeds.${method}` })).toEqual(operations.slice(1));
    expect([second.errors, third.errors]).toEqual([[], []]);
    caller.operation.cancel();
    expect(second.errors).toMatchObject([{ reason: 'parent' }]);
    expect(third.errors).toMatchObject([{ reason: 'parent' }]);
    await caller.fail(caller.operation.cancelation);
    expect(registry.list()).toEqual([]);
  });

  it('also in the context of the first one', async () => {
    const { feeds, registry } = await start();
    const source = feeds.live('rome') as Observable<number>;
    const first = subscribe(source);
    const [operation] = registry.list();
    const second = operation!.bind(() => subscribe(source))();
    first.leave();
    expect(second.errors).toEqual([]);
    expect(registry.list()).toHaveLength(1);
  });

  it('with a time limit each', async () => {
    jest.useFakeTimers();
    const { feeds } = await start();
    const source = feeds.limited('1s') as Observable<number>;
    const first = subscribe(source);
    jest.advanceTimersByTime(500);
    const second = subscribe(source);
    jest.advanceTimersByTime(600);
    expect([first.errors.length, second.errors.length]).toEqual([1, 0]);
    jest.advanceTimersByTime(500);
    expect(second.errors).toMatchObject([{ reason: 'timeout' }]);
  });
});

describe('rule 11: a method that gives an Observable', () => {
  it('is called once per subscription, in its operation, where the type says so', async () => {
    const { feeds, registry } = await start();
    const source = feeds.cold();
    expect(feeds.log).toEqual([]);
    source.subscribe({ error: () => {} });
    source.subscribe({ error: () => {} });
    expect(feeds.log).toHaveLength(2);
    expect(feeds.log).toEqual(registry.list().map(({ id }) => id));
  });

  it('is called at once where it does not, in the operation of the first subscription', async () => {
    const { feeds, registry } = await start();
    const source = feeds.either() as Observable<number>;
    expect(feeds.log).toHaveLength(1);
    source.subscribe({ error: () => {} });
    source.subscribe({ error: () => {} });
    expect(feeds.log).toEqual([registry.list()[0]!.id]);
    expect(registry.list()).toHaveLength(2);
  });

  it('is canceled by a consumer that stops early, with a line at debug', async () => {
    const { feeds, registry, log } = await start();
    feeds.cold().subscribe().unsubscribe();
    expect(registry.history()).toMatchObject([
      { status: 'canceled', reason: 'manual', message: 'consumer stopped' },
    ]);
    expect(log.find('debug', 'Feeds.cold was canceled')).toHaveLength(1);
    expect(log.find('warn')).toEqual([]);
  });
});

describe('lazy results', () => {
  it('fail, and end, when next() of their iterator gives no object', async () => {
    const { feeds, registry } = await start();
    const items = feeds.broken() as AsyncIterable<number>;
    const error = await rejection(items[Symbol.asyncIterator]().next());
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(/next\(\) gave undefined/);
    expect(registry.list()).toEqual([]);
    expect(registry.history()).toMatchObject([{ status: 'failed' }]);
  });

  it('fail, and end, when throw() of their iterator gives no object', async () => {
    const { feeds, registry } = await start();
    const items = feeds.brokenLater() as AsyncGenerator<number>;
    const iterator = items[Symbol.asyncIterator]();
    await iterator.next();
    expect((await rejection(iterator.throw(new Error('stop')))).message).toMatch(
      /throw\(\) gave 1, which is no object/,
    );
    expect(registry.list()).toEqual([]);
    expect(registry.history()).toMatchObject([{ status: 'failed' }]);
  });

  it('are empty when they are skipped', async () => {
    const { feeds } = await start();
    const holder = feeds.skipped().subscribe({ error: () => {} });
    expect(await firstValueFrom(feeds.skipped().pipe(toArray()))).toEqual([]);
    holder.unsubscribe();
    const first = feeds.generated();
    await first.next();
    expect(await feeds.generated().next()).toEqual({ done: true, value: undefined });
    void first.return(undefined);
  });

  it('cannot be joined, and say so', async () => {
    const { feeds } = await start();
    const holder = feeds.joined().subscribe({ error: () => {} });
    const error = await rejection(firstValueFrom(feeds.joined()));
    expect(error).toBeInstanceOf(OperationConflict);
    expect(error.message).toMatch(/Feeds\.joined is running already.*only a promise can be joined/);
    holder.unsubscribe();
  });

  it('do not count while they wait for a consumer, canceled or not', async () => {
    const { feeds, registry } = await start();
    const token = new CancelationToken();
    void feeds.linked(token);
    token.cancel();
    expect(registry.statistics().byStatus).toMatchObject({ running: 0, canceling: 0 });
  });

  it('of an operation that was canceled are not begun after its end', async () => {
    const { feeds, registry } = await start();
    let result: Observable<number> = NEVER;
    const parent = registry.run('parent', async (operation) => {
      result = feeds.later() as Observable<number>;
      operation.cancel();
      operation.token.throwIfCanceled();
    });
    await rejection(parent);
    expect(await rejection(firstValueFrom(result))).toMatchObject({ reason: 'parent' });
    expect(feeds.log).toEqual([]);
  });

  it('hold their key only while somebody consumes them', async () => {
    const { feeds } = await start();
    const [first, second] = [feeds.alone(), feeds.alone()] as Observable<number>[];
    const holder = first?.subscribe({ error: () => {} });
    const error = await rejection(firstValueFrom(second!));
    expect(error).toBeInstanceOf(OperationConflict);
    holder?.unsubscribe();
    const third = (feeds.alone() as Observable<number>).subscribe({ error: () => {} });
    expect(third.closed).toBe(false);
    third.unsubscribe();
  });

  it('end with throw() of a generator', async () => {
    const { feeds, registry } = await start();
    const numbers = feeds.numbers();
    await numbers.next();
    expect(await rejection(numbers.throw(new Error('enough')))).toMatchObject({
      message: 'enough',
    });
    expect(registry.list()).toEqual([]);
    expect(registry.history()).toMatchObject([{ status: 'failed', error: { message: 'enough' } }]);
  });

  it('are canceled even if their teardown throws', async () => {
    const { feeds, registry } = await start();
    const outcome = rejection(firstValueFrom(feeds.brokenTeardown()));
    expect(registry.cancelAll({})).toBe(1);
    expect(await outcome).toMatchObject({ reason: 'manual' });
    expect(registry.list()).toEqual([]);
  });
});
