import { describe, expect, it } from '@jest/globals';
import { currentOperation } from 'nestjs-cancelable';
import { hang } from '../cluster/instances.js';
import { deferred } from '../support/deferred.js';
import { adapters } from '../support/http-app.js';
import { startDashboard } from './dashboard-app.js';

describe.each(adapters)('What the dashboard hides on %s', (adapter) => {
  it('is not found by comparing the answers to several queries', async () => {
    const { caller, registry, next } = await startDashboard(adapter, {
      allowAnonymous: true,
      redact: (snapshot) => ({
        ...snapshot,
        name: 'work',
        kind: 'task',
        reason: 'manual',
        startedAt: '2020-01-01T00:00:00.000Z',
        endedAt: '2020-01-01T00:00:00.000Z',
        tags: ['all'],
      }),
    });
    registry.spawn({ name: 'payroll', kind: 'job', tags: ['secret'] }, hang);
    const settled = next('settled');
    registry.spawn('late', hang).cancel();
    await settled;
    for (const list of ['operations', 'history']) {
      for (const query of [
        'name=work',
        'kind=task',
        'reason=manual',
        'reason=manual,timeout',
        'olderThan=24h',
        'tag=all',
      ]) {
        const { total } = (await caller.get(`/api/${list}?${query}`)).json();
        expect({ list, query, total }).toEqual({ list, query, total: 1 });
      }
      for (const query of ['name=payroll', 'kind=job', 'tag=secret']) {
        expect((await caller.get(`/api/${list}?${query}`)).json().total).toBe(0);
      }
    }
  });

  it('is not among the sources of an operation', async () => {
    const { caller, registry } = await startDashboard(adapter, {
      allowAnonymous: true,
      redact: ({ deadline: _, parentId: __, ...rest }) => rest,
    });
    const started = deferred<string>();
    registry.spawn({ name: 'outer', timeout: '1h' }, () =>
      registry.run('inner', () => {
        started.resolve(currentOperation().id);
        return hang();
      }),
    );
    const detail = (await caller.get(`/api/operations/${await started.promise}`)).json();
    expect(detail).toMatchObject({ sources: [], ancestors: [], operation: { name: 'inner' } });
  });

  it('is not told by the causes of an operation', async () => {
    const { caller, registry, next } = await startDashboard(adapter, {
      allowAnonymous: true,
      canRead: ({ name }) => name !== 'payroll-of-bob',
    });
    const reader = await caller.follow();
    await reader.until('reset');
    const isRunning = deferred<string>();
    const outer = registry.spawn('payroll-of-bob', () =>
      registry.run('middle', () =>
        registry.run('leaf', () => {
          isRunning.resolve(currentOperation().id);
          return hang();
        }),
      ),
    );
    const id = await isRunning.promise;
    const settled = next('settled', 'payroll-of-bob');
    const failure = new Error('payroll has failed');
    outer.cancel({ cause: failure, requestedBy: 'bob', message: 'bob is gone' });
    await settled;

    const { operation } = (await caller.get(`/api/operations/${id}`)).json();
    expect(operation).toMatchObject({
      status: 'canceled',
      reason: 'parent',
      causes: [
        { reason: 'parent', operationName: 'middle', message: 'the parent was canceled' },
        { reason: 'manual', message: 'another operation was canceled' },
        { message: 'another operation was canceled' },
      ],
    });
    await reader.until('"reason":"manual"');
    const history = await caller.get('/api/history');
    for (const text of [JSON.stringify(operation), history.text, reader.answer.received]) {
      expect(text).not.toMatch(/payroll|is gone/);
    }
  });

  it('is nothing of a large tree that is next to an operation', async () => {
    const { caller, registry } = await startDashboard(adapter);
    const started = deferred<string>();
    registry.spawn('root', async () => {
      registry.spawn('middle', () => {
        started.resolve(currentOperation().id);
        registry.spawn('child', hang);
        return hang();
      });
      await started.promise;
      for (let index = 0; index < 6_000; index++) registry.spawn('sibling', hang);
      return hang();
    });
    const id = await started.promise;
    await Promise.resolve();
    const { total } = (await caller.get('/api/operations')).json();
    expect(total).toBe(6_003);
    const detail = (await caller.get(`/api/operations/${id}`)).json();
    expect(detail.ancestors).toMatchObject([{ name: 'root' }]);
    expect(detail.descendants).toMatchObject([{ name: 'child' }]);
  });
});
