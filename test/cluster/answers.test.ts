import { describe, expect, it } from '@jest/globals';
import { deferred, rejection } from '../support/deferred.js';
import { hang, startInstances } from './instances.js';
import { SOON, startWithPlayed } from './with-played.js';

const GONE: unknown = expect.stringContaining('is gone');
const NOBODY = `zzzzzzzz-${'0'.repeat(22)}`;

describe('an answer', () => {
  it('comes from all, of an id whose instance nobody knows', async () => {
    const [a] = await startInstances(2);
    const all = { complete: true, expected: ['instance-0', 'instance-1'] };
    expect(await a!.registry.cluster.get(NOBODY)).toMatchObject({ ...all, operation: undefined });
    expect(await a!.registry.cluster.cancel(NOBODY)).toMatchObject({ ...all, owner: undefined });
  });

  it('is complete with the one that has the operation, however silent others are', async () => {
    const { registry } = await startWithPlayed();
    const { promise: end, resolve: finish } = deferred<void>();
    const operation = registry.spawn({ name: 'order', id: 'order-17' }, () => end);
    operation.result.catch(() => {});
    const alone = { complete: true, expected: ['instance-0'], replied: ['instance-0'] };
    expect(await registry.cluster.get('order-17', SOON)).toMatchObject(alone);
    const canceled = await registry.cluster.cancel('order-17', SOON);
    expect(canceled).toMatchObject({ ...alone, canceled: true });
    // It is canceled once, however long it takes.
    const again = await registry.cluster.cancel('order-17', SOON);
    expect(again).toMatchObject({ ...alone, canceled: false, owner: 'instance-0' });
    expect((await registry.cluster.cancelAll({}, SOON)).count).toBe(0);
    const { operation: found, ...answer } = await registry.cluster.get('order-17', SOON);
    expect(found!.status).toBe('canceling');
    expect(answer).toEqual(alone);
    finish();
  });

  it('has no more than was asked for, whatever others answer', async () => {
    const { registry, played } = await startWithPlayed();
    const items = ['a', 'b', 'c'].map((id) => ({
      ...{ id, name: 'import', kind: 'task', status: 'running' },
      ...{ startedAt: '2026-11-29T22:00:00.000Z', metadata: {}, tags: [] },
    }));
    played.answers = () => ({ items, now: Date.now() });
    const ids = async (limit: number) =>
      (await registry.cluster.list({ limit }, SOON)).operations.map(({ id }) => id);
    expect(await ids(2)).toEqual(['b', 'c']);
    expect(await ids(0)).toEqual([]);
  });
});

describe('a cancel', () => {
  it('spares all that it is called from', async () => {
    const [a] = await startInstances(2);
    a!.registry.spawn('import', hang).result.catch(() => {});
    const answer = await a!.registry.run('outer', () =>
      a!.registry.run('sweep', () => a!.registry.cluster.cancelAll({})),
    );
    expect(answer.count).toBe(1);
  });

  it('says which operation requested it', async () => {
    const [a, b] = await startInstances(2);
    const operation = b!.registry.spawn('import', hang);
    const failure = rejection(operation.result);
    const sweep = a!.registry.spawn('sweep', () =>
      a!.registry.cluster.cancel(operation.id, { cause: new Error('too slow') }),
    );
    expect(await sweep.result).toMatchObject({ canceled: true });
    const error = (await failure) as Error & { requestedBy: string };
    expect(error.requestedBy).toBe(sweep.id);
    // The stack of another process leads nowhere here.
    expect((error.cause as Error).stack).toBeUndefined();
  });
});

describe('the pages of an answer', () => {
  /** An instance with more than fits into one page, and whoever takes it page by page. */
  async function startPaged() {
    const { registry, played, service } = await startWithPlayed();
    for (let index = 0; index < 5; index++) {
      registry.spawn({ name: 'import', metadata: { text: 'x'.repeat(60_000) } }, hang);
    }
    let asked = 0;
    const ask = async (topic: string, body: object, other: object = {}) => {
      const request = `request-${asked++}`;
      await played.send(`${service}:all`, 'ask', topic, request, body, other);
      await played.settle();
      return played.answerTo(request);
    };
    const begin = async () => {
      const answer = await ask('list', { filter: null, scope: [], from: 'live' });
      return (answer!['value'] as { more: string }).more;
    };
    return { ask, begin };
  }

  it('are given in order, to whoever asked for the answer', async () => {
    const { ask, begin } = await startPaged();
    const more = await begin();
    expect(await ask('page', { more, number: 2 })).toMatchObject({ problem: GONE });
    await ask('page', { more, number: 1 }, { f: 'other' });
    await ask('page', { more, number: 2 }, { f: 'other' });
    const first = await ask('page', { more, number: 1 });
    expect(first).toMatchObject({ value: { more } });
    expect((await ask('page', { more, number: 1 }))!['value']).toEqual(first!['value']);
    const last = (await ask('page', { more, number: 2 }))!['value'];
    expect(last).not.toHaveProperty('more');
    expect((await ask('page', { more, number: 2 }))!['value']).toEqual(last);
  });

  it('are forgotten, those of the oldest answer first, when too many are begun', async () => {
    const { ask, begin } = await startPaged();
    const begun: string[] = [];
    for (let count = 0; count < 201; count++) begun.push(await begin());
    expect(await ask('page', { more: begun[0], number: 1 })).toMatchObject({ problem: GONE });
    expect(await ask('page', { more: begun[1], number: 1 })).not.toHaveProperty('problem');
  });
});
