import { describe, expect, it } from '@jest/globals';
import {
  type OperationEvent,
  type OperationMessage,
  OperationNotFound,
  OperationRegistry,
} from 'nestjs-cancelable';
import { filter, lastValueFrom, map, toArray } from 'rxjs';
import { turn } from '../support/deferred.js';
import { MemoryLog } from '../support/memory-log.js';

describe('events$', () => {
  it('tells what happens, in the order in which it happens', async () => {
    const registry = new OperationRegistry();
    const events: OperationEvent[] = [];
    const subscription = registry.events$.subscribe((event) => events.push(event));
    const handle = registry.start('work');
    handle.operation.reportProgress('half');
    handle.operation.cancel({ reason: 'condition' });
    await handle.complete();
    subscription.unsubscribe();
    await registry.run('unheard', () => {});

    expect(events.map(({ type, operation }) => [type, operation.status])).toEqual([
      ['started', 'running'],
      ['progress', 'running'],
      ['canceled', 'canceling'],
      ['settled', 'canceled'],
    ]);
    expect(events[1].operation.progress?.message).toBe('half');
    expect(events[3].operation.reason).toBe('condition');
    expect(events[0].at).toBeInstanceOf(Date);
  });
});

describe('rule 23: an events$ subscriber that throws is logged, not thrown', () => {
  const broken = () => {
    throw new Error('broken');
  };

  it.each<[string, (registry: OperationRegistry) => unknown]>([
    ['a function', ({ events$ }) => events$.subscribe(broken)],
    ['an observer', ({ events$ }) => events$.subscribe({ next: broken })],
    [
      'a function after operators',
      ({ events$ }) => events$.pipe(filter(() => true)).subscribe(broken),
    ],
    ['an operator', ({ events$ }) => events$.pipe(map(broken)).subscribe()],
  ])('%s', async (_, subscribe) => {
    const log = new MemoryLog();
    const registry = new OperationRegistry({ logger: log });
    const heard: string[] = [];
    subscribe(registry);
    registry.events$.subscribe(({ type }) => heard.push(type));

    expect(await registry.run('work', () => 'value')).toBe('value');
    await turn();
    await turn();

    expect(heard).toEqual(['started', 'settled']);
    expect(log.errors[0]).toBe('A subscriber of events$ failed: Error: broken');
  });

  it('keeps what observers mean by this, error and complete', async () => {
    const registry = new OperationRegistry({ logger: new MemoryLog() });
    const observer = {
      heard: [] as string[],
      next(event: string) {
        this.heard.push(event);
      },
      error(error: unknown) {
        this.heard.push(String(error));
      },
    };
    registry.events$
      .pipe(
        map(({ type }) => {
          if (type === 'settled') throw new Error('enough');
          return type;
        }),
      )
      .subscribe(observer);
    await registry.run('work', () => {});
    expect(observer.heard).toEqual(['started', 'Error: enough']);
  });
});

describe('watch', () => {
  const record = (registry: OperationRegistry, id: string) => {
    const messages: OperationMessage[] = [];
    const ends: unknown[] = [];
    const subscription = registry.watch(id).subscribe({
      next: (message) => messages.push(message),
      error: (error) => ends.push(error),
      complete: () => ends.push('complete'),
    });
    return { messages, ends, subscription };
  };

  it('gives the present state, progress, and the outcome', async () => {
    const registry = new OperationRegistry();
    const handle = registry.start('work');
    handle.operation.reportProgress('before');
    const { messages, ends } = record(registry, handle.operation.id);
    const child = await handle.run(() => registry.start('child'));
    child.operation.reportProgress('from below');
    await child.complete();
    await handle.complete();

    expect(messages.map(({ type, data }) => [type, data.status, data.progress?.message])).toEqual([
      ['state', 'running', 'before'],
      ['progress', 'running', 'from below'],
      ['settled', 'completed', 'from below'],
    ]);
    expect(ends).toEqual(['complete']);
  });

  it('replays the outcome of a remembered one', async () => {
    const registry = new OperationRegistry();
    const handle = registry.start('work');
    const { id } = handle.operation;
    await handle.fail(new Error('broken'));
    const messages = await lastValueFrom(registry.watch(id).pipe(toArray()));
    expect(messages).toMatchObject([
      { type: 'settled', data: { id, status: 'failed', error: { message: 'broken' } } },
    ]);
  });

  it('errors for an unknown one, at the subscription', () => {
    const { messages, ends } = record(new OperationRegistry(), 'nobody');
    expect(messages).toEqual([]);
    expect(ends).toEqual([expect.any(OperationNotFound)]);
  });

  it('stops when nobody listens any more, and leaves the operation alone', async () => {
    const registry = new OperationRegistry();
    const handle = registry.start('work');
    const { messages, subscription } = record(registry, handle.operation.id);
    subscription.unsubscribe();
    handle.operation.reportProgress('unheard');
    expect(handle.operation.status).toBe('running');
    await handle.complete();
    expect(messages).toHaveLength(1);
  });
});
