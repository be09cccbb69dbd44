import { ExponentialBackoff, handleAll, retry } from 'cockatiel';
import { describe, expect, it } from '@jest/globals';
import { type CancelationToken, currentToken, OperationRegistry } from 'nestjs-cancelable';
import pRetry from 'p-retry';
import { deferred, rejection } from '../support/deferred.js';

describe('wrap(fn): attempts of a retry library', () => {
  it('are children, each with its own token as the last argument', async () => {
    const registry = new OperationRegistry();
    const attempts: unknown[] = [];
    const result = registry.run('sync', async (operation) => {
      const attempt = operation.wrap(async function fetchPage(
        page: number,
        token: CancelationToken,
      ) {
        attempts.push([page, token === currentToken(), token.isCanceled, registry.list().length]);
        return page * 2;
      });
      return [await attempt(1), await attempt(2)];
    });
    expect(await result).toEqual([2, 4]);
    expect(attempts).toEqual([
      [1, true, false, 2],
      [2, true, false, 2],
    ]);
    const names = registry.history().map(({ name }) => name);
    expect(names).toEqual(['fetchPage', 'fetchPage', 'sync']);
  });

  it('have a timeout of their own, and the operation covers all of them', async () => {
    const registry = new OperationRegistry();
    let attempts = 0;
    const result = registry.run('sync', (operation) =>
      pRetry(
        operation.wrap(
          async (_number: number, token: CancelationToken) => {
            attempts++;
            if (attempts < 3) await token.sleep('1h');
            return 'done';
          },
          { timeout: '5ms' },
        ),
        { minTimeout: 1, maxTimeout: 1, signal: operation.signal },
      ),
    );
    expect(await result).toBe('done');
    expect(attempts).toBe(3);
    expect(registry.history({ reason: 'timeout' })).toHaveLength(2);
  });

  it('stop at once with p-retry, and its backoff is interrupted', async () => {
    const registry = new OperationRegistry();
    const failed = deferred();
    let attempts = 0;
    const result = registry.run('sync', (operation) =>
      pRetry(
        operation.wrap(() => {
          attempts++;
          failed.resolve();
          throw new Error('flaky');
        }),
        { minTimeout: 3_600_000, retries: 5, signal: operation.signal },
      ),
    );
    await failed.promise;
    await new Promise((resolve) => setImmediate(resolve));
    registry.cancelAll({ name: 'sync' });
    expect(await rejection(result)).toMatchObject({ reason: 'manual' });
    await registry.whenIdle();
    expect(attempts).toBe(1);
  });

  it('stop at once with cockatiel, the running attempt included', async () => {
    const registry = new OperationRegistry();
    const policy = retry(handleAll, { maxAttempts: 5, backoff: new ExponentialBackoff() });
    const running = deferred();
    let attempts = 0;
    const result = registry.run('sync', (operation) => {
      const attempt = operation.wrap((token: CancelationToken) => {
        attempts++;
        running.resolve();
        return token.sleep('1h');
      });
      return policy.execute(() => attempt(), operation.signal);
    });
    await running.promise;
    registry.cancelAll({ name: 'sync' });
    expect(await rejection(result)).toMatchObject({ reason: 'manual' });
    await registry.whenIdle();
    expect(attempts).toBe(1);
    expect(registry.history({ reason: 'parent' })).toHaveLength(1);
  });

  it('do not run once the operation is canceled', async () => {
    const registry = new OperationRegistry();
    let ran = false;
    const result = registry.run({ name: 'sync', settle: 'wait' }, async (operation) => {
      const attempt = operation.wrap(() => {
        ran = true;
      });
      operation.cancel();
      await attempt();
    });
    expect(await rejection(result)).toMatchObject({ reason: 'manual' });
    expect(ran).toBe(false);
  });
});
