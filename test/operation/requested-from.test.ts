import { describe, expect, it } from '@jest/globals';
import { CancelationToken, OperationRegistry, rootCause } from 'nestjs-cancelable';
import { rejection } from '../support/deferred.js';

describe('why was this canceled', () => {
  it('tells who asked, and where in the code', async () => {
    const registry = new OperationRegistry();
    const result = registry.run('request', () =>
      registry.run('child', (child) => child.sleep('1h')),
    );
    const outcome = rejection(result);
    await registry.run('admin', () => {
      registry.cancelAll({ name: 'request' }, { message: 'stop pressed' });
    });
    const error = await outcome;
    const admin = registry.history({ name: 'admin' })[0];
    expect(error).toMatchObject({ reason: 'manual', requestedBy: admin?.id });
    expect(error.requestedFrom).toMatch(/requested-from\.test\.ts:\d+/);
    await registry.whenIdle();
    expect(rootCause(error)).toBe(error);
  });

  it('tells it of tokens and single cancels too, but not of a cancel that nobody asked for', async () => {
    const token = new CancelationToken();
    token.cancel();
    expect(token.error?.requestedFrom).toMatch(/requested-from\.test\.ts:\d+/);
    const registry = new OperationRegistry();
    const late = registry.run({ timeout: '1ms' }, (operation) => operation.sleep('1h'));
    expect((await rejection(late)).requestedFrom).toBeUndefined();
  });

  it('refuses reasons that do not exist before anything is canceled', async () => {
    const registry = new OperationRegistry();
    const handle = registry.start({ name: 'work', id: 'work' });
    const token = new CancelationToken();
    const unknown = { reason: 'because' } as any;
    for (const cancel of [
      () => registry.cancel('work', unknown),
      () => registry.cancelAll({}, unknown),
      () => handle.operation.cancel(unknown),
      () => token.cancel(unknown),
    ]) {
      expect(cancel).toThrow(/reason: 'because' is not allowed. Allowed: 'timeout', 'manual'/);
    }
    expect(() => token.cancel('stop' as any)).toThrow(/'stop' is not allowed. Allowed: an object/);
    expect([handle.operation.status, token.isCanceled]).toEqual(['running', false]);
    await handle.complete();
  });
});
