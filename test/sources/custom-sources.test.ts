import { describe, expect, it } from '@jest/globals';
import {
  type CancelationSource,
  CancelationToken,
  type Operation,
  OperationRegistry,
  type SourceTrigger,
} from 'nestjs-cancelable';
import { armedTimers } from '../../lib/scope/timers.js';
import { deferred, isPending, rejection, thrown } from '../support/deferred.js';
import { MemoryLog } from '../support/memory-log.js';

/** A source that a test triggers by hand, and that counts how it is used. */
function manualSource(name = 'manual source') {
  const calls = { started: 0, stopped: 0 };
  let fire: (trigger?: SourceTrigger) => void = () => {};
  const source: CancelationSource = {
    name,
    start(trigger) {
      calls.started++;
      fire = trigger;
      return () => void calls.stopped++;
    },
  };
  return { source, calls, trigger: (found?: SourceTrigger) => fire(found) };
}

/** Runs until it is canceled. */
const forever = (operation: Operation) => operation.sleep('1h');

describe('rule 19: sources', () => {
  it('start before the body and stop when the operation settles', async () => {
    const { source, calls } = manualSource();
    const body = deferred<number>();
    const result = new OperationRegistry().run({ sources: [source] }, () => {
      expect(calls).toEqual({ started: 1, stopped: 0 });
      return body.promise;
    });
    body.resolve(7);
    expect(await result).toBe(7);
    expect(calls).toEqual({ started: 1, stopped: 1 });
  });

  it('cancel with the name, the reason and the cause they give', async () => {
    const { source, trigger } = manualSource('disk is full');
    const cause = new Error('ENOSPC');
    const named = new OperationRegistry().run({ sources: [source] }, forever);
    trigger({ cause });
    expect(await rejection(named)).toMatchObject({
      reason: 'condition',
      message: 'disk is full',
      cause,
    });
    const free = new OperationRegistry().run({ sources: [source] }, forever);
    trigger({ reason: 'signal', message: 'told so' });
    expect(await rejection(free)).toMatchObject({ reason: 'signal', message: 'told so' });
  });

  it('that trigger while starting keep the body from running', async () => {
    let ran = false;
    const source: CancelationSource = { name: 'at once', start: (trigger) => trigger() };
    const later = manualSource();
    const result = new OperationRegistry().run({ sources: [source, later.source] }, () => {
      ran = true;
    });
    expect(await rejection(result)).toMatchObject({ reason: 'condition', message: 'at once' });
    expect(ran).toBe(false);
    expect(later.calls.started).toBe(0);
  });

  it('whose start throws fail the operation', async () => {
    const registry = new OperationRegistry();
    const error = new Error('cannot watch');
    const broken: CancelationSource = {
      name: 'broken',
      start: () => {
        throw error;
      },
    };
    const first = manualSource();
    const result = registry.run({ sources: [first.source, broken] }, () => 1);
    expect(await rejection(result)).toBe(error);
    expect(registry.history()).toMatchObject([{ status: 'failed' }]);
    expect(first.calls).toEqual({ started: 1, stopped: 1 });
  });

  it('may start and stop asynchronously: the body waits, the end does not', async () => {
    const ready = deferred();
    let stopped = false;
    let ran = false;
    const source: CancelationSource = {
      name: 'slow',
      async start() {
        await ready.promise;
        return () => {
          stopped = true;
          return new Promise(() => {});
        };
      },
    };
    const result = new OperationRegistry().run({ sources: [source] }, () => {
      ran = true;
      return 1;
    });
    expect(await isPending(result)).toBe(true);
    expect(ran).toBe(false);
    ready.resolve();
    expect(await result).toBe(1);
    expect(stopped).toBe(true);
  });

  it('are stopped at once when the operation ended while they started', async () => {
    const ready = deferred();
    const token = new CancelationToken();
    const stopped = deferred();
    const source: CancelationSource = {
      name: 'slow',
      start: async () => {
        await ready.promise;
        return () => stopped.resolve();
      },
    };
    const result = new OperationRegistry().run({ sources: [token, source] }, () => 1);
    token.cancel();
    expect(await rejection(result)).toMatchObject({ reason: 'manual' });
    ready.resolve();
    await stopped.promise;
  });

  it('that trigger late, or fail to stop, change nothing; the failure is logged', async () => {
    const log = new MemoryLog();
    const registry = new OperationRegistry({ logger: log });
    let late: () => void = () => {};
    const source: CancelationSource = {
      name: 'clumsy',
      start(trigger) {
        late = () => trigger();
        return () => {
          throw new Error('stuck');
        };
      },
    };
    expect(await registry.run({ name: 'work', sources: [source] }, () => 1)).toBe(1);
    late();
    expect(registry.history()).toMatchObject([{ status: 'completed' }]);
    expect(log.errors).toEqual([expect.stringMatching(/clumsy of work failed: Error: stuck/)]);
  });

  it('that inject providers need an application', async () => {
    const source: CancelationSource = { name: 'needy', inject: ['DATABASE'], start: () => {} };
    const result = new OperationRegistry().run({ sources: [source] }, () => 1);
    expect(await rejection(result)).toMatchObject({
      message: expect.stringContaining('no application'),
    });
  });

  it.each([[42n], [null], [{}], [{ name: 'x' }], ['30'], [-1]])('refuse %p', (value) => {
    const registry = new OperationRegistry();
    const error = thrown(() => registry.run({ sources: [value as never] }, () => 1));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain('sources[0]');
  });
});

describe('tokens, signals, durations and dates are sources as they are', () => {
  it('follow a token with its reason and cause chain', async () => {
    const token = new CancelationToken();
    const result = new OperationRegistry().run({ sources: [token] }, forever);
    token.cancel({ message: 'stop pressed', requestedBy: 'ann' });
    const error = await rejection(result);
    expect(error).toMatchObject({ reason: 'manual', message: 'stop pressed', requestedBy: 'ann' });
    expect(error.cause).toBe(token.error);
  });

  it('follow an AbortSignal', async () => {
    const controller = new AbortController();
    const result = new OperationRegistry().run({ sources: [controller.signal] }, forever);
    controller.abort('enough');
    expect(await rejection(result)).toMatchObject({ reason: 'signal', message: 'enough' });
  });

  it('take the nearest of several timeouts', async () => {
    const result = new OperationRegistry().run(
      { timeout: '1h', sources: ['20ms', new Date(Date.now() + 3_600_000)] },
      forever,
    );
    expect(await rejection(result)).toMatchObject({
      reason: 'timeout',
      message: 'timed out after 20ms',
    });
  });

  it('leave nothing behind: 500 operations that share one budget', async () => {
    const budget = new CancelationToken();
    const timersBefore = armedTimers();
    const registry = new OperationRegistry();
    for (let index = 0; index < 500; index++) {
      await registry.run({ sources: [budget, '1h'] }, () => index);
    }
    expect(CancelationToken.scopeOf(budget).listenerCount).toBe(0);
    expect(armedTimers()).toBe(timersBefore);
    const shared = [1, 2, 3].map(() => registry.run({ sources: [budget] }, forever));
    budget.cancel();
    for (const one of shared) expect(await rejection(one)).toMatchObject({ reason: 'manual' });
  });
});
