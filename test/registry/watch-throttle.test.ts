import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type OperationMessage, OperationRegistry } from 'nestjs-cancelable';
import { deferred } from '../support/deferred.js';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

describe('watch(id) delivers what a person can follow', () => {
  it('the first report at once, then the latest ten times a second, and the outcome', async () => {
    const registry = new OperationRegistry();
    const body = deferred();
    const operation = registry.spawn('import', () => body.promise);
    const messages: OperationMessage[] = [];
    registry.watch(operation.id).subscribe((message) => messages.push(message));
    const seen = () => messages.map(({ type, data }) => [type, data.progress?.current]);

    for (let current = 1; current <= 1_000; current++) operation.reportProgress({ current });
    expect(seen()).toEqual([
      ['state', undefined],
      ['progress', 1],
    ]);
    await jest.advanceTimersByTimeAsync(100);
    expect(seen().at(-1)).toEqual(['progress', 1_000]);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(messages).toHaveLength(3);

    operation.reportProgress({ current: 1_001 });
    operation.reportProgress({ current: 1_002 });
    body.resolve();
    await operation.result;
    expect(seen().slice(3)).toEqual([
      ['progress', 1_001],
      ['settled', 1_002],
    ]);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('leaves no timer when the observer leaves', () => {
    const registry = new OperationRegistry();
    const operation = registry.spawn('import', () => new Promise(() => {}));
    const subscription = registry.watch(operation.id).subscribe();
    operation.reportProgress('one');
    operation.reportProgress('two');
    subscription.unsubscribe();
    expect(jest.getTimerCount()).toBe(0);
    operation.cancel();
  });

  it('with a heartbeat, sends the present state when nothing else was sent for so long', async () => {
    const registry = new OperationRegistry();
    const operation = registry.spawn('import', () => new Promise(() => {}));
    const types: string[] = [];
    const subscription = registry
      .watch(operation.id, { heartbeat: '10s' })
      .subscribe(({ type, data }) => types.push(`${type} ${data.progress?.current ?? 0}`));

    await jest.advanceTimersByTimeAsync(9_000);
    operation.reportProgress({ current: 1 });
    await jest.advanceTimersByTimeAsync(9_000);
    expect(types).toEqual(['state 0', 'progress 1']);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(types.slice(2)).toEqual(['state 1']);
    await jest.advanceTimersByTimeAsync(20_000);
    expect(types.slice(3)).toEqual(['state 1', 'state 1']);

    subscription.unsubscribe();
    expect(jest.getTimerCount()).toBe(0);
    registry.watch(operation.id, { heartbeat: '10s' }).subscribe();
    operation.cancel();
  });

  it('leaves no timer of a heartbeat when the operation ends', async () => {
    const registry = new OperationRegistry();
    const handle = registry.start('import');
    registry.watch(handle.operation.id, { heartbeat: '10s' }).subscribe();
    await handle.complete();
    expect(jest.getTimerCount()).toBe(0);
  });
});
