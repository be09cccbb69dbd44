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
});
