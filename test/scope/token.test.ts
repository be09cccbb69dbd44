import { afterEach, describe, expect, it, jest } from '@jest/globals';
import {
  type CancelationError,
  CancelationToken,
  currentToken,
  isCancelation,
  ManualCancelation,
  OperationRegistry,
  TimeoutCancelation,
} from 'nestjs-cancelable';
import { armedTimers } from '../../lib/scope/timers.js';
import { deferred, isPending, microtasks, rejection, thrown } from '../support/deferred.js';

afterEach(() => {
  jest.useRealTimers();
});

describe('a token of its own', () => {
  it('is not canceled at first', () => {
    const token = new CancelationToken();

    expect(token.isCanceled).toBe(false);
    expect(token.reason).toBeUndefined();
    expect(token.error).toBeUndefined();
    expect(token.deadline).toBeUndefined();
    expect(token.remaining()).toBe(Infinity);
    expect(() => token.throwIfCanceled()).not.toThrow();
  });

  it('keeps what the first cancel says, and answers false to the second', () => {
    const token = new CancelationToken();
    const cause = new Error('disk full');

    expect(
      token.cancel({ reason: 'condition', message: 'no room', cause, requestedBy: 'ann' }),
    ).toBe(true);
    expect(token.cancel({ reason: 'manual', message: 'other' })).toBe(false);

    expect(token.isCanceled).toBe(true);
    expect(token.reason).toBe('condition');
    expect(token.error).toMatchObject({ message: 'no room', requestedBy: 'ann' });
    expect(token.error?.cause).toBe(cause);
    expect(thrown(() => token.throwIfCanceled())).toBe(token.error);
  });

  it('is canceled by hand unless it says otherwise', () => {
    const token = new CancelationToken();
    token.cancel();

    expect(token.error).toBeInstanceOf(ManualCancelation);
    expect(token.error).toMatchObject({ name: 'AbortError', reason: 'manual' });
    expect(isCancelation(token.error)).toBe(true);
    expect(token.error?.operationId).toBeUndefined();
  });

  it('calls its listeners once each, in the order they came, with the error', () => {
    const token = new CancelationToken();
    const calls: [string, CancelationError][] = [];
    token.onCancel((error) => calls.push(['first', error]));
    token.onCancel((error) => calls.push(['second', error]));

    token.cancel();
    token.cancel();

    expect(calls).toEqual([
      ['first', token.error],
      ['second', token.error],
    ]);
  });

  it('calls a listener at once when it is canceled already', () => {
    const token = new CancelationToken();
    token.cancel();
    const listener = jest.fn();

    token.onCancel(listener);

    expect(listener).toHaveBeenCalledWith(token.error);
  });

  it('forgets a listener that was removed, also while the listeners run', () => {
    const token = new CancelationToken();
    const early = jest.fn();
    const late = jest.fn();
    const stopEarly = token.onCancel(early);
    token.onCancel(() => stopLate());
    const stopLate = token.onCancel(late);
    stopEarly();
    stopEarly();

    token.cancel();

    expect(early).not.toHaveBeenCalled();
    expect(late).not.toHaveBeenCalled();
  });

  it('warns of a listener that throws or rejects, and goes on to the next', async () => {
    const token = new CancelationToken();
    const warnings: string[] = [];
    const emit = jest
      .spyOn(process, 'emitWarning')
      .mockImplementation((warning) => void warnings.push(String(warning)));
    const last = jest.fn();
    token.onCancel(() => {
      throw new Error('broken');
    });
    token.onCancel(async () => Promise.reject(new Error('broken later')));
    token.onCancel(last);

    try {
      expect(token.cancel()).toBe(true);
      await microtasks();
    } finally {
      emit.mockRestore();
    }

    expect(last).toHaveBeenCalledTimes(1);
    expect(warnings).toEqual([
      expect.stringContaining('Error: broken'),
      expect.stringContaining('Error: broken later'),
    ]);
  });

  it('has a real AbortSignal, always the same, whose reason is the error', () => {
    const token = new CancelationToken();
    const { signal } = token;
    const onAbort = jest.fn();
    signal.addEventListener('abort', onAbort);

    expect(signal).toBeInstanceOf(AbortSignal);
    expect(token.signal).toBe(signal);
    expect(signal.aborted).toBe(false);
    token.cancel();

    expect(onAbort).toHaveBeenCalledTimes(1);
    expect(signal.aborted).toBe(true);
    expect(signal.reason).toBe(token.error);
  });

  it('gives a signal that is aborted when it is asked for one after the cancel', () => {
    const token = new CancelationToken();
    token.cancel();
    expect(token.signal.aborted).toBe(true);
    expect(token.signal.reason).toBe(token.error);
  });

  it('resolves whenCanceled() with the error, and leaves it pending before', async () => {
    const token = new CancelationToken();
    const canceled = token.whenCanceled();
    expect(await isPending(canceled)).toBe(true);

    token.cancel();

    expect(await canceled).toBe(token.error);
    expect(await token.whenCanceled()).toBe(token.error);
  });

  it('puts the id of the operation that cancels it as requestedBy', async () => {
    const token = new CancelationToken();
    const id = await new OperationRegistry().run('asker', (operation) => {
      token.cancel();
      return operation.id;
    });
    expect(token.error?.requestedBy).toBe(id);
  });
});

describe('token.race', () => {
  it("gives the promise's outcome if it comes first", async () => {
    const token = new CancelationToken();
    const failure = new Error('refused');

    expect(await token.race(Promise.resolve('value'))).toBe('value');
    expect(await rejection(token.race(Promise.reject(failure)))).toBe(failure);
  });

  it('rejects at once when the token is canceled, and takes the late rejection upon itself', async () => {
    const token = new CancelationToken();
    const work = deferred<string>();
    const raced = token.race(work.promise);

    token.cancel();

    expect(await rejection(raced)).toBe(token.error);
    work.reject(new Error('late'));
    await microtasks();
    expect(await rejection(token.race(new Promise(() => {})))).toBe(token.error);
  });
});

describe('token.sleep', () => {
  it('waits as long as asked', async () => {
    jest.useFakeTimers();
    const sleeping = new CancelationToken().sleep('1s');
    await jest.advanceTimersByTimeAsync(999);
    expect(await isPending(sleeping)).toBe(true);
    await jest.advanceTimersByTimeAsync(1);
    await sleeping;
    expect(jest.getTimerCount()).toBe(0);
  });

  it('may be 0', async () => {
    await new CancelationToken().sleep(0);
    expect(armedTimers()).toBe(0);
  });

  it('rejects as soon as the token is canceled, and gives its timer back', async () => {
    jest.useFakeTimers();
    const token = new CancelationToken();
    const sleeping = token.sleep('1h');

    token.cancel();

    expect(await rejection(sleeping)).toBe(token.error);
    expect(jest.getTimerCount()).toBe(0);
    expect(await rejection(token.sleep('1h'))).toBe(token.error);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('chains waits that setTimeout cannot hold', async () => {
    jest.useFakeTimers();
    const sleeping = new CancelationToken().sleep('60d');
    await jest.advanceTimersByTimeAsync(59 * 86_400_000);
    expect(await isPending(sleeping)).toBe(true);
    await jest.advanceTimersByTimeAsync(86_400_000);
    await sleeping;
  });
});

describe('CancelationToken.none', () => {
  it('cannot be canceled', async () => {
    const { none } = CancelationToken;
    const listener = jest.fn();
    none.onCancel(listener);

    expect(none.cancel()).toBe(false);
    expect(none.isCanceled).toBe(false);
    expect(none.signal.aborted).toBe(false);
    expect(listener).not.toHaveBeenCalled();
    expect(await isPending(none.whenCanceled())).toBe(true);
    expect(CancelationToken.none).toBe(none);
  });

  it('is the current token outside of an operation', () => {
    expect(currentToken()).toBe(CancelationToken.none);
  });
});

describe('what a token is derived from', () => {
  it.each([null, undefined, {}, Symbol('s')])('is never %p', (source) => {
    expect(thrown(() => CancelationToken.timeout(source as never)).message).toContain(
      'CancelationToken.timeout()',
    );
    expect(thrown(() => CancelationToken.any(source as never)).message).toContain(
      'CancelationToken: ',
    );
  });
});

describe('CancelationToken.timeout', () => {
  it('has one deadline, whenever it is asked for it', () => {
    const token = CancelationToken.timeout('1h');
    let changes = 0;
    let last = token.deadline!.getTime();
    for (const until = performance.now() + 20; performance.now() < until;) {
      const deadline = token.deadline!.getTime();
      if (deadline !== last) changes++;
      last = deadline;
    }
    // The two clocks of a machine may drift apart, and then it is found anew.
    expect(changes).toBeLessThanOrEqual(1);
  });

  it('is canceled after a while, with reason timeout', async () => {
    jest.useFakeTimers();
    const token = CancelationToken.timeout('2s');
    const listener = jest.fn();
    token.onCancel(listener);

    expect(token.remaining()).toBe(2_000);
    expect(token.deadline).toEqual(new Date(Date.now() + 2_000));
    await jest.advanceTimersByTimeAsync(1_999);
    expect(listener).not.toHaveBeenCalled();
    await jest.advanceTimersByTimeAsync(1);

    expect(listener).toHaveBeenCalledWith(token.error);
    expect(token.error).toBeInstanceOf(TimeoutCancelation);
    expect(token.error).toMatchObject({ name: 'TimeoutError', message: 'timed out after 2s' });
    expect(token.remaining()).toBe(0);
  });

  it('is canceled already when it is 0', () => {
    const token = CancelationToken.timeout(0);
    expect(token.isCanceled).toBe(true);
    expect(token.reason).toBe('timeout');
  });

  it('arms a timer only while somebody listens, and knows by the clock all the same', () => {
    jest.useFakeTimers();
    const token = CancelationToken.timeout('1s');
    expect(armedTimers()).toBe(0);

    const stop = token.onCancel(() => {});
    expect(armedTimers()).toBe(1);
    stop();
    expect(armedTimers()).toBe(0);

    jest.advanceTimersByTime(1_000);
    expect(token.isCanceled).toBe(true);
  });
});
