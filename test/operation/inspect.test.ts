import { inspect } from 'node:util';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { CancelationToken, OperationRegistry } from 'nestjs-cancelable';
import { RecordingToken } from 'nestjs-cancelable/testing';

const NOW = new Date('2026-01-02T03:04:05.000Z');

afterEach(() => {
  jest.useRealTimers();
});

describe('console.log and util.inspect', () => {
  it('show an operation: id, name, status, age, deadline', async () => {
    jest.useFakeTimers({ now: NOW });
    const registry = new OperationRegistry();
    const metadata = { secret: 'secret' };
    const handle = registry.start({ id: 'a-1', name: 'import', timeout: '1m', metadata });
    const { operation } = handle;
    jest.advanceTimersByTime(1_500);
    expect(inspect(operation, { breakLength: Infinity })).toBe(
      "Operation { id: 'a-1', name: 'import', status: 'running', age: '1.5s', deadline: 2026-01-02T03:05:05.000Z }",
    );
    expect(inspect({ list: registry.list() }, { depth: 0 })).toBe('{ list: [Array] }');
    expect(inspect({ operation }, { depth: 0 })).toBe('{ operation: [Operation] }');

    operation.cancel();
    await handle.complete();
    expect(inspect(operation)).toContain("status: 'canceled'");
    expect(inspect(operation)).toContain("reason: 'manual'");
    expect(inspect(operation)).toContain("duration: '1.5s'");
    expect(inspect(operation)).not.toContain('age');
  });

  it('show a token: whether, why and by when it is canceled', () => {
    jest.useFakeTimers({ now: NOW });
    const token = new CancelationToken();
    expect(inspect(token)).toBe('CancelationToken { isCanceled: false }');
    expect(inspect(CancelationToken.timeout('1m'))).toBe(
      'CancelationToken { isCanceled: false, deadline: 2026-01-02T03:05:05.000Z }',
    );
    token.cancel({ message: 'stop pressed' });
    expect(inspect(token, { breakLength: Infinity })).toBe(
      "CancelationToken { isCanceled: true, reason: 'manual', message: 'stop pressed' }",
    );
    expect(inspect(new RecordingToken())).toBe('RecordingToken { isCanceled: false }');
    expect(inspect([[[[token]]]], { depth: 3 })).toContain('[CancelationToken]');
  });
});
