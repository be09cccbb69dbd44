import { getEventListeners } from 'node:events';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { CancelationToken, OperationRegistry, rootCause } from 'nestjs-cancelable';
import { armedTimers } from '../../lib/scope/timers.js';

afterEach(() => {
  jest.useRealTimers();
});

const scopeOf = (token: CancelationToken) => CancelationToken.scopeOf(token);

describe('rule 4: linked tokens and signals keep the reason and set the cause', () => {
  it('keeps the first reason, message, requester and the chain of a token', () => {
    const cause = new Error('disk full');
    const first = new CancelationToken();
    const second = new CancelationToken();
    const linked = CancelationToken.any(first, second);

    second.cancel({ reason: 'condition', message: 'no room', cause, requestedBy: 'ann' });
    first.cancel({ reason: 'manual' });

    expect(linked.error).toMatchObject({
      reason: 'condition',
      message: 'no room',
      requestedBy: 'ann',
    });
    expect(linked.error?.cause).toBe(second.error);
    expect(rootCause(linked.error)).toBe(second.error);
    expect((linked.error?.cause as Error).cause).toBe(cause);
  });

  it('is canceled together with its source, not only when somebody looks', () => {
    const source = new CancelationToken();
    const linked = CancelationToken.any(CancelationToken.any(source));
    const listener = jest.fn();
    linked.onCancel(listener);
    const { signal } = linked;

    source.cancel({ reason: 'superseded' });

    expect(listener).toHaveBeenCalledWith(linked.error);
    expect(signal.aborted).toBe(true);
    expect(linked.reason).toBe('superseded');
  });

  it('sees a source that was canceled before it was linked', () => {
    const source = new CancelationToken();
    source.cancel({ reason: 'shutdown' });
    expect(CancelationToken.any(source).reason).toBe('shutdown');
  });

  it('does not cancel its sources', () => {
    const source = new CancelationToken();
    const linked = CancelationToken.any(source);

    expect(linked.cancel()).toBe(true);

    expect(source.isCanceled).toBe(false);
    expect(source.cancel()).toBe(true);
    expect(linked.reason).toBe('manual');
  });

  it.each([
    ['an Error', new Error('gone'), 'signal', 'gone'],
    ['a string', 'user left', 'signal', 'user left'],
    ['a number', 42, 'signal', '42'],
    ['null', null, 'signal', 'signal received'],
    ['an object', { code: 7 }, 'signal', '{"code":7}'],
    ['a TimeoutError', new DOMException('too slow', 'TimeoutError'), 'timeout', 'too slow'],
    ['an AbortError', new DOMException('stopped', 'AbortError'), 'signal', 'stopped'],
  ])('reads %s as the reason of a foreign signal', (_, given, reason, message) => {
    const controller = new AbortController();
    const before = CancelationToken.fromSignal(controller.signal);
    const heard = jest.fn();
    before.onCancel(heard);

    controller.abort(given);

    expect(heard).toHaveBeenCalledTimes(1);
    for (const token of [before, CancelationToken.fromSignal(controller.signal)]) {
      expect(token.error).toMatchObject({ reason, message });
      expect(token.error?.cause ?? null).toBe(given);
    }
  });

  it("keeps our own error's reason when it comes through a signal", () => {
    const source = new CancelationToken();
    const linked = CancelationToken.fromSignal(source.signal);

    source.cancel({ reason: 'disconnect', message: 'socket closed' });

    expect(linked.error).toMatchObject({ reason: 'disconnect', message: 'socket closed' });
    expect(linked.error?.cause).toBe(source.error);
  });

  it('reads what AbortSignal.timeout and abort() without a reason give', () => {
    expect(CancelationToken.fromSignal(AbortSignal.abort()).reason).toBe('signal');
    const timedOut = AbortSignal.abort(new DOMException('time', 'TimeoutError'));
    expect(CancelationToken.fromSignal(timedOut).reason).toBe('timeout');
  });
});

describe('rule 20: the nearest deadline of any', () => {
  it('is the nearest of durations, Dates and tokens', async () => {
    jest.useFakeTimers();
    const inFive = new Date(Date.now() + 5_000);
    const derived = CancelationToken.any('10s', inFive, CancelationToken.timeout('20s'));
    expect(derived.remaining()).toBe(5_000);
    expect(derived.deadline).toEqual(inFive);
    expect(CancelationToken.any('4s', derived).remaining()).toBe(4_000);

    const registry = new OperationRegistry();
    await registry.run({ name: 'work', timeout: '3s' }, (operation) => {
      expect(CancelationToken.any(derived, operation.token).remaining()).toBe(3_000);
    });
  });

  it('is what cancels it', async () => {
    jest.useFakeTimers();
    const derived = CancelationToken.any('10s', CancelationToken.timeout('2s'));
    const listener = jest.fn();
    derived.onCancel(listener);

    await jest.advanceTimersByTimeAsync(2_000);

    expect(listener).toHaveBeenCalledTimes(1);
    expect(derived.error).toMatchObject({ reason: 'timeout', message: 'timed out after 2s' });
    expect(armedTimers()).toBe(0);
  });

  it('is over already for a Date in the past', () => {
    expect(CancelationToken.any(new Date(Date.now() - 1)).reason).toBe('timeout');
  });

  it('is none when no source has one', () => {
    expect(CancelationToken.any(new CancelationToken(), CancelationToken.none).deadline).toBe(
      undefined,
    );
    expect(CancelationToken.any().isCanceled).toBe(false);
  });
});

describe('rule 20: a derived token is held by its source only while it is in use', () => {
  it('is not listening until it has a listener, nor after the last one left', () => {
    const source = new CancelationToken();
    const derived = CancelationToken.any(source);
    expect(scopeOf(source).listenerCount).toBe(0);

    const stops = [derived.onCancel(() => {}), derived.onCancel(() => {})];
    expect(scopeOf(source).listenerCount).toBe(1);
    stops[0]!();
    expect(scopeOf(source).listenerCount).toBe(1);
    stops[1]!();
    expect(scopeOf(source).listenerCount).toBe(0);
  });

  it('listens again for a listener that comes later', () => {
    const source = new CancelationToken();
    const derived = CancelationToken.any(source);
    derived.onCancel(() => {})();
    const listener = jest.fn();
    derived.onCancel(listener);

    source.cancel();

    expect(listener).toHaveBeenCalledTimes(1);
  });

  it('listens while somebody listens to its signal', () => {
    const source = new CancelationToken();
    const derived = CancelationToken.any(source);
    const { signal } = derived;
    const listener = jest.fn();
    expect(scopeOf(source).listenerCount).toBe(0);
    signal.addEventListener('abort', listener);
    signal.removeEventListener('abort', listener);
    expect(scopeOf(source).listenerCount).toBe(0);
    signal.onabort = listener;
    expect(scopeOf(source).listenerCount).toBe(1);
    signal.onabort = null;
    expect(scopeOf(source).listenerCount).toBe(0);
    signal.addEventListener('abort', listener, { once: true });
    derived.onCancel(() => {})();
    expect(scopeOf(source).listenerCount).toBe(1);

    source.cancel();

    expect(listener).toHaveBeenCalledTimes(1);
    expect(signal.reason).toBe(derived.error);
  });

  it('has a signal that knows of the source when it is asked', () => {
    const sources = Array.from({ length: 4 }, () => new CancelationToken());
    const signals = sources.map((source) => CancelationToken.any(source).signal);
    for (const source of sources) source.cancel({ reason: 'shutdown' });

    expect(signals[0]!.aborted).toBe(true);
    expect(signals[1]!.reason).toMatchObject({ reason: 'shutdown', cause: sources[1]!.error });
    expect(() => signals[2]!.throwIfAborted()).toThrow(
      expect.objectContaining({ reason: 'shutdown' }),
    );
    expect(AbortSignal.any([signals[3]!]).aborted).toBe(true);
  });

  it('does not call a listener of its signal for what happened before', () => {
    const source = new CancelationToken();
    const { signal } = CancelationToken.any(source);
    const listener = jest.fn();
    source.cancel();

    signal.addEventListener('abort', listener);

    expect(listener).not.toHaveBeenCalled();
    expect(signal.aborted).toBe(true);
  });

  it('has an AbortSignal like any other', () => {
    const source = new CancelationToken();
    const { signal } = CancelationToken.any(source);
    expect(signal).toBeInstanceOf(AbortSignal);
    expect(Object.getPrototypeOf(signal).constructor.name).toBe('AbortSignal');
    const combined = AbortSignal.any([signal, new AbortController().signal]);

    source.cancel({ message: 'stop' });

    expect(combined.reason).toMatchObject({ reason: 'manual', message: 'stop' });
  });

  it('lets go of all other sources once one has canceled it', () => {
    const controller = new AbortController();
    const sources = [new CancelationToken(), new CancelationToken()];
    const derived = CancelationToken.any(...sources, controller.signal, '1h');
    derived.onCancel(() => {});
    void derived.signal;
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
    expect(armedTimers()).toBe(1);

    sources[0]!.cancel();

    expect(scopeOf(sources[1]!).listenerCount).toBe(0);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
    expect(armedTimers()).toBe(0);
  });

  it('knows of its source without listening', () => {
    const source = new CancelationToken();
    const derived = CancelationToken.any(source);
    source.cancel({ reason: 'shutdown' });
    expect(derived.isCanceled).toBe(true);
    expect(derived.reason).toBe('shutdown');
  });

  it('leaves nothing on a token after 500 operations used it', async () => {
    const token = new CancelationToken();
    const registry = new OperationRegistry();
    await Promise.all(
      Array.from({ length: 500 }, (_, index) =>
        registry.run('user', async (operation) => {
          const both = CancelationToken.any(token, operation.token);
          const stop = both.onCancel(() => {});
          await both.race(Promise.resolve(index));
          await token.sleep(0);
          stop();
        }),
      ),
    );
    expect(scopeOf(token).listenerCount).toBe(0);
    expect(armedTimers()).toBe(0);
  });
});

describe("rule 20: an operation's token as a source", () => {
  it('keeps the reason of the operation, with its error as the cause', async () => {
    const registry = new OperationRegistry();
    const handle = registry.start('work');
    const derived = CancelationToken.any(handle.operation.token);
    const listener = jest.fn();
    derived.onCancel(listener);

    handle.operation.cancel({ reason: 'disconnect' });

    expect(listener).toHaveBeenCalledWith(derived.error);
    expect(derived.reason).toBe('disconnect');
    expect(derived.error?.cause).toBe(handle.operation.cancelation);
    await handle.complete();
  });
});
