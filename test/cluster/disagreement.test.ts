import { describe, expect, it } from '@jest/globals';
import { ClusterIncomplete } from 'nestjs-cancelable';
import { rejection } from '../support/deferred.js';
import { until } from '../support/open-bus.js';
import type { Heard, PlayedInstance } from './played-instance.js';
import { SOON, startWithPlayed } from './with-played.js';

/** Another instance, which answers nothing by itself: a question stays open until its time is up. */
async function startWithSilent(id: string) {
  const started = await startWithPlayed();
  const { registry, played } = started;
  await played.beatAs(id);
  await until(async () => (await registry.cluster.instances(SOON)).expected.length === 3);
  return started;
}

/** The question about a topic, once it is asked. */
async function questionTo(played: PlayedInstance, topic: string): Promise<Heard> {
  const find = () => played.heard.find(({ k, t }) => k === 'ask' && t === topic);
  await until(() => find() !== undefined);
  return find()!;
}

const PENDING = { found: false, canceled: false, pending: ['mail:1'] };

describe('the answers of several instances', () => {
  it('are counted once each: the first', async () => {
    const { registry, played } = await startWithSilent('silent');
    const canceled = registry.cluster.cancelAll({ name: 'import' }, SOON);
    const question = await questionTo(played, 'cancelAll');
    await played.answer(question, { count: 1 });
    await played.answer(question, { count: 2 });
    expect(await canceled).toMatchObject({ count: 1, complete: false });
  });

  it('count of one that has left since', async () => {
    const { registry, played } = await startWithSilent('silent');
    const canceled = registry.cluster.cancelAll({ name: 'import' }, SOON);
    await played.answer(await questionTo(played, 'cancelAll'), { count: 1 });
    await played.leave();
    const { expected, replied, count } = await canceled;
    expect([[...expected].sort(), [...replied].sort(), count]).toEqual([
      ['instance-0', 'played', 'silent'],
      ['instance-0', 'played'],
      1,
    ]);
  });

  it('are those of whoever sends them', async () => {
    const { registry, played } = await startWithSilent('other');
    const canceled = registry.cluster.cancelAll({ name: 'import' }, SOON);
    const question = await questionTo(played, 'cancelAll');
    await played.answer(question, { count: 9 }, 'played', 'other');
    const { replied, count } = await canceled;
    expect([replied, count]).toEqual([['instance-0'], 0]);
  });

  it('name the one where the operation is live, whoever remembers one of that id', async () => {
    const { registry, played } = await startWithPlayed();
    await registry.run({ name: 'order', id: 'order-17' }, () => Promise.resolve());
    // It has been canceled there before, and is not over.
    played.answers = () => ({ found: true, canceled: false });
    const answer = await registry.cluster.cancel('order-17', SOON);
    expect(answer).toMatchObject({ canceled: false, owner: 'played', complete: true });
  });
});

describe('work that waits, of which several know', () => {
  it('is taken back by the same of them, whoever has answered first', async () => {
    const { registry, played } = await startWithSilent('alpha');
    played.answers = (question) => {
      if (question.t === 'cancel')
        setImmediate(() => void played.answer(question, PENDING, 'alpha'));
      return question.t === 'cancel' ? PENDING : { canceled: true };
    };
    const error = await rejection(registry.cluster.cancel('mail:1', SOON));
    expect((error as ClusterIncomplete).missing).toEqual(['alpha']);
    expect(played.heard.filter(({ t }) => t === 'cancelPending')).toEqual([]);
  });

  it('is left where it is, if its name is short and somebody may know another of that name', async () => {
    const { registry, played } = await startWithSilent('silent');
    played.answers = ({ t }) => (t === 'cancel' ? PENDING : { canceled: true });
    const error = await rejection(registry.cluster.cancel('1', SOON));
    expect(error).toBeInstanceOf(ClusterIncomplete);
    expect((error as ClusterIncomplete).missing).toEqual(['silent']);
    expect(played.heard.filter(({ t }) => t === 'cancelPending')).toEqual([]);
  });
});
