import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { type OperationFilter, type OperationHandle, OperationRegistry } from 'nestjs-cancelable';

afterEach(() => {
  jest.useRealTimers();
});

/** Three live operations and the same three, ended. */
async function population() {
  jest.useFakeTimers();
  const registry = new OperationRegistry();
  const open = async (): Promise<OperationHandle[]> => {
    const first = registry.start({
      name: 'reports.build',
      kind: 'http',
      id: 'first',
      metadata: { owner: 'ann', place: { city: 'Paris' } },
      tags: ['slow', 'paid'],
    });
    jest.advanceTimersByTime(1_000);
    const second = await first.run(() => registry.start({ name: 'reports.render', id: 'second' }));
    jest.advanceTimersByTime(1_000);
    const third = registry.start({
      name: 'import',
      kind: 'job',
      id: 'third',
      metadata: { owner: 'bob' },
    });
    third.operation.cancel({ reason: 'condition' });
    return [first, second, third];
  };
  const [first, second, third] = await open();
  await second!.complete();
  await first!.fail(new Error('broken'));
  await third!.complete();
  jest.advanceTimersByTime(10_000);
  await open();
  return registry;
}

/** Each filter, and what it finds among live and among remembered ones. */
const cases: [string, () => OperationFilter, string[], string[]][] = [
  ['{}', () => ({}), ['first', 'second', 'third'], ['second', 'first', 'third']],
  ['id', () => ({ id: 'second' }), ['second'], ['second']],
  ['an unknown id', () => ({ id: 'nobody' }), [], []],
  ['status', () => ({ status: 'running' }), ['first', 'second'], []],
  ['the status failed', () => ({ status: 'failed' }), [], ['first']],
  ['several statuses', () => ({ status: ['canceling', 'canceled'] }), ['third'], ['third']],
  ['reason', () => ({ reason: 'condition' }), ['third'], ['third']],
  ['several reasons', () => ({ reason: ['timeout', 'parent'] }), [], []],
  ['the exact name', () => ({ name: 'reports.build' }), ['first'], ['first']],
  ['no part of a name', () => ({ name: 'reports' }), [], []],
  ['a pattern', () => ({ name: /^reports\./ }), ['first', 'second'], ['second', 'first']],
  [
    'a pattern with state',
    () => ({ name: /r/g }),
    ['first', 'second', 'third'],
    ['second', 'first', 'third'],
  ],
  ['kind', () => ({ kind: 'job' }), ['third'], ['third']],
  ['parentId', () => ({ parentId: 'first' }), ['second'], ['second']],
  ['rootId', () => ({ rootId: 'first' }), ['first', 'second'], ['second', 'first']],
  ['tag', () => ({ tag: 'paid' }), ['first', 'second'], ['second', 'first']],
  ['metadata', () => ({ metadata: { owner: 'bob' } }), ['third'], ['third']],
  [
    'inherited metadata',
    () => ({ metadata: { owner: 'ann' } }),
    ['first', 'second'],
    ['second', 'first'],
  ],
  [
    'nested metadata',
    () => ({ metadata: { place: { city: 'Paris' } } }),
    ['first', 'second'],
    ['second', 'first'],
  ],
  ['metadata that differs', () => ({ metadata: { owner: 'ann', place: 'here' } }), [], []],
  ['olderThan', () => ({ olderThan: '1s' }), ['first', 'second'], ['second', 'first', 'third']],
  ['a longer olderThan', () => ({ olderThan: '5s' }), [], ['second', 'first', 'third']],
  ['since', () => ({ since: new Date(Date.now() - 1_000) }), ['second', 'third'], []],
  [
    'where',
    () => ({ where: ({ id }) => id !== 'first' }),
    ['second', 'third'],
    ['second', 'third'],
  ],
  ['limit', () => ({ limit: 2 }), ['second', 'third'], ['first', 'third']],
  ['a limit applied last', () => ({ name: /reports/, limit: 1 }), ['second'], ['first']],
  ['limit 0', () => ({ limit: 0 }), [], []],
  ['several keys', () => ({ name: /reports/, kind: 'task' }), ['second'], ['second']],
];

describe('filters: every key, over live and remembered operations', () => {
  it.each(cases)('%s', async (_, filter, live, remembered) => {
    const registry = await population();
    expect(registry.list(filter()).map(({ id }) => id)).toEqual(live);
    expect(registry.history(filter()).map(({ id }) => id)).toEqual(remembered);
    expect(registry.tree(filter()).flatMap((node) => [node, ...node.children])).toHaveLength(
      live.length,
    );
  });

  it.each(cases)('%s: forgets just those', async (_, filter, _live, remembered) => {
    const registry = await population();
    expect(registry.clearHistory(filter())).toBe(remembered.length);
    expect(registry.history().map(({ id }) => id)).toEqual(
      ['second', 'first', 'third'].filter((id) => !remembered.includes(id)),
    );
  });
});

describe('filters: what is refused', () => {
  const methods = ['list', 'tree', 'history', 'clearHistory', 'cancelAll', 'whenIdle'] as const;
  const keys = [
    'id',
    'status',
    'reason',
    'name',
    'kind',
    'parentId',
    'rootId',
    'tag',
    'metadata',
    'olderThan',
    'since',
    'limit',
    'where',
  ];

  it.each(keys)('%s: undefined, since it never means "all"', (key) => {
    const registry = new OperationRegistry();
    const { operation } = registry.start('work');
    for (const method of methods) {
      expect(() => registry[method]({ [key]: undefined })).toThrow(
        new RegExp(`registry|${method}\\(\\).*'${key}' is undefined`),
      );
    }
    expect(operation.status).toBe('running');
  });

  it('an undefined value inside metadata', () => {
    const registry = new OperationRegistry();
    const { operation } = registry.start('work');
    for (const method of methods) {
      expect(() => registry[method]({ metadata: { owner: undefined } })).toThrow(
        /'owner' is undefined/,
      );
    }
    expect(operation.status).toBe('running');
  });

  it.each([
    [{ id: 7 }, /id: 7 is not allowed/],
    [{ status: 7 }, /status/],
    [{ name: {} }, /name/],
    [{ metadata: 'ann' }, /metadata: 'ann' is not allowed/],
    [{ olderThan: '5 parsecs' }, /olderThan: '5 parsecs' is not a valid duration/],
    [{ since: '2024' }, /since: '2024' is not allowed.*Date/],
    [{ since: new Date(NaN) }, /since/],
    [{ limit: -1 }, /limit: -1 is not allowed/],
    [{ limit: 1.5 }, /limit/],
    [{ where: true }, /where.*a function/],
    [{ owner: 'ann' }, /there is no option 'owner'. Allowed: 'id'/],
    ['work', /'work' is not allowed/],
    [null, /null is not allowed/],
  ])('%p', (filter, message) => {
    expect(() => new OperationRegistry().list(filter as any)).toThrow(message);
  });
});
