import { describe, expect, it } from '@jest/globals';
import {
  type Operation,
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
    expect(events[1]!.operation.progress?.message).toBe('half');
    expect(events[3]!.operation.reason).toBe('condition');
    expect(events[0]!.at).toBeInstanceOf(Date);
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
    handle.operation.reportProgress({ current: 1 });
    const { messages, ends } = record(registry, handle.operation.id);
    const child = await handle.run(() => registry.start('child'));
    child.operation.reportProgress({ current: 2 });
    await child.complete();
    await handle.complete();

    expect(messages.map(({ type, data }) => [type, data.status, data.progress?.current])).toEqual([
      ['state', 'running', 1],
      ['progress', 'running', 2],
      ['settled', 'completed', 2],
    ]);
    expect(ends).toEqual(['complete']);
  });

  it('replays the outcome of a remembered one', async () => {
    const registry = new OperationRegistry();
    const handle = registry.start('work');
    const { id } = handle.operation;
    await handle.fail(new Error('broken'));
    const messages = await lastValueFrom(registry.watch(id, { view: 'full' }).pipe(toArray()));
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

describe('what is looked at is made once, and only for those who look', () => {
  /** Counts the snapshots that are made of an operation. */
  function counted() {
    const seen = { snapshots: 0, partialResults: 0 };
    const metadata = { toJSON: () => ({ probe: ++seen.snapshots }) };
    const partialResult = { toJSON: () => ++seen.partialResults };
    const registry = new OperationRegistry({ history: { limit: 0 } });
    const handle = registry.start({ name: 'work', metadata: { metadata } });
    handle.operation.savePartial(partialResult);
    return { registry, handle, seen };
  }
  const ignore = () => {};

  it('events that nobody looks into make no snapshot', async () => {
    const { registry, handle, seen } = counted();
    const statuses: string[] = [];
    registry.events$.subscribe(ignore);
    registry.events$
      .pipe(filter(({ type }) => type === 'settled'))
      .subscribe(({ operation }) => statuses.push(operation.status));
    for (let report = 0; report < 100; report++) handle.operation.reportProgress('on');
    expect(seen).toEqual({ snapshots: 0, partialResults: 0 });
    await handle.complete();
    expect(statuses).toEqual(['completed']);
    expect(seen).toEqual({ snapshots: 1, partialResults: 1 });
  });

  it('all subscribers share one snapshot, as it was, even if they look late', async () => {
    const { registry, handle, seen } = counted();
    const events: OperationEvent[] = [];
    for (let count = 0; count < 5; count++) {
      registry.events$.subscribe((event) => events.push(event));
    }
    handle.operation.reportProgress({ current: 1 });
    handle.operation.annotate({ late: true });
    handle.operation.reportProgress({ current: 2 });
    handle.operation.cancel();
    await handle.complete();

    const progress = events.filter(({ type }) => type === 'progress');
    expect(new Set(progress.map(({ operation }) => operation)).size).toBe(2);
    expect(seen.snapshots).toBe(2);
    expect(progress[0]!.operation).toMatchObject({ status: 'running', progress: { current: 1 } });
    expect(progress[0]!.operation.metadata).not.toHaveProperty('late');
    expect(progress[0]!.operation.endedAt).toBeUndefined();
    expect(progress[0]!.operation).not.toHaveProperty('partialResult');
    expect(JSON.parse(JSON.stringify(progress[5]))).toMatchObject({
      type: 'progress',
      operation: { progress: { current: 2 }, metadata: { late: true } },
    });
    expect(seen.partialResults).toBe(0);
  });

  it('all watchers share one snapshot per report, without the partial result', async () => {
    const { registry, handle, seen } = counted();
    const { id } = handle.operation;
    const heard: unknown[] = [];
    for (let count = 0; count < 100; count++) {
      registry.watch(id, { view: 'full' }).subscribe((message) => heard.push(message.data));
      registry.watch(id).subscribe(ignore);
    }
    expect(seen.snapshots).toBe(100);
    handle.operation.reportProgress('on');
    expect(seen).toEqual({ snapshots: 101, partialResults: 100 });
    expect(heard).toHaveLength(200);
    await handle.complete();
    expect(seen).toEqual({ snapshots: 102, partialResults: 101 });
    expect(heard).toHaveLength(300);
  });

  it('public watchers make no snapshot at all', async () => {
    const { registry, handle, seen } = counted();
    registry.watch(handle.operation.id).subscribe(ignore);
    handle.operation.reportProgress('on');
    await handle.complete();
    expect(seen.snapshots).toBe(0);
  });

  it('a watcher that comes from a settled listener hears the outcome', () => {
    const registry = new OperationRegistry();
    const handle = registry.start('work');
    const { id } = handle.operation;
    const types: unknown[] = [];
    handle.operation.onSettled(() => {
      registry.watch(id).subscribe({
        next: ({ type, data }) => types.push(type, data.status),
        complete: () => types.push('complete'),
      });
    });
    void handle.complete();
    expect(types).toEqual(['settled', 'completed', 'complete']);
  });

  it.each([
    [{ view: 'all' }, /watch\(\): view: 'all' is not allowed. Allowed: 'public', 'full'/],
    [{ heartbeat: '15' }, /watch\(\): heartbeat/],
    [{ heartbeet: '15s' }, /there is no option 'heartbeet'/],
  ])('watch refuses %p', (options, message) => {
    expect(() => new OperationRegistry().watch('id', options as never)).toThrow(message);
  });
});

describe('what a subscriber begins when an operation has settled', () => {
  it('is an operation of its own, without a word in the log', async () => {
    const log = new MemoryLog();
    const registry = new OperationRegistry({ logger: log });
    const audits: Promise<string | undefined>[] = [];
    registry.events$.subscribe(({ type, operation }) => {
      if (type !== 'settled' || operation.name === 'audit') return;
      audits.push(registry.run('audit', (audit) => audit.parentId));
    });
    const body = (operation: Operation) => void operation.cancel();
    await registry.run('race', body).catch(() => {});
    await registry.run({ name: 'wait', settle: 'wait' }, body).catch(() => {});
    await registry.whenIdle();

    expect(await Promise.all(audits)).toEqual([undefined, undefined]);
    expect(log.warnings).toEqual([]);
  });
});
