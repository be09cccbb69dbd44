import assert from 'node:assert/strict';
import { types } from 'node:util';
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { describe, expect, it } from '@jest/globals';
import {
  CancelationError,
  CancelationToken,
  DisconnectCancelation,
  isCancelation,
  OperationRegistry,
  TimeoutCancelation,
} from 'nestjs-cancelable';

function canceled(message: string): CancelationError {
  const token = new CancelationToken();
  token.cancel({ message });
  return token.error as CancelationError;
}

describe('a CancelationError', () => {
  it('is a native Error, of every reason', () => {
    for (const error of [
      canceled('stop'),
      new TimeoutCancelation('late'),
      new DisconnectCancelation('left'),
    ]) {
      expect(types.isNativeError(error)).toBe(true);
      expect(error).toBeInstanceOf(CancelationError);
      expect(isCancelation(error)).toBe(true);
      expect(Object.keys(error)).toEqual([]);
    }
  });

  it('says in its stack what it is, and has no frames', () => {
    expect(canceled('stop').stack).toBe('AbortError: stop');
    expect(new TimeoutCancelation('late').stack).toBe('TimeoutError: late');
  });

  it('keeps its message, stack and cause through structuredClone() and a port', () => {
    const error = new TimeoutCancelation('late', { cause: new Error('why') });
    const { port1, port2 } = new MessageChannel();
    port1.postMessage(error);
    const posted = receiveMessageOnPort(port2)?.message as Error;
    port1.close();
    for (const copy of [structuredClone(error), posted]) {
      expect(types.isNativeError(copy)).toBe(true);
      expect(copy).toMatchObject({ message: 'late', cause: { message: 'why' } });
      expect(copy.stack).toBe('TimeoutError: late');
    }
  });

  it('differs from another one', () => {
    assert.notDeepStrictEqual(canceled('one'), canceled('other'));
    assert.deepStrictEqual(canceled('one').message, canceled('one').message);
  });

  it('leaves the frames of other errors alone', () => {
    const limit = Error.stackTraceLimit;
    canceled('stop');
    expect(Error.stackTraceLimit).toBe(limit);
    expect(new Error('other').stack).toContain('native-errors.test');
  });
});

describe('a mass cancel', () => {
  it('makes errors beyond a thousand that are not native, but otherwise the same', async () => {
    const registry = new OperationRegistry();
    const runs = Array.from({ length: 10_000 }, () =>
      registry.run({ name: 'work' }, (operation) => operation.sleep('1h')),
    );
    registry.cancelAll({ name: 'work' }, { message: 'all' });
    const errors = (await Promise.allSettled(runs)).map(
      (outcome) => (outcome as PromiseRejectedResult).reason as CancelationError,
    );
    const native = errors.filter((error) => types.isNativeError(error));
    expect(native.length).toBeGreaterThan(0);
    expect(native.length).toBeLessThan(errors.length);
    assert.notDeepStrictEqual(errors.at(-1), new DisconnectCancelation('all'));
    for (const error of errors) {
      expect(Object.prototype.toString.call(error)).toBe('[object Error]');
      expect(error).toBeInstanceOf(CancelationError);
      expect([error.message, error.stack, String(error)]).toEqual([
        'all',
        'AbortError: all',
        'AbortError: all',
      ]);
    }
  });
});
