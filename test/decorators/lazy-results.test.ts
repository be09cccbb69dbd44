import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  Cancelable,
  CancelationToken,
  CancelToken,
  injected,
  OperationConflict,
} from 'nestjs-cancelable';
import { firstValueFrom, NEVER, Observable, of, toArray } from 'rxjs';
import { startContext } from '../support/app-context.js';
import { rejection } from '../support/deferred.js';

@Injectable()
class Feeds {
  readonly log: string[] = [];

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

describe('lazy results', () => {
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
    const error = await rejection(firstValueFrom(second));
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
