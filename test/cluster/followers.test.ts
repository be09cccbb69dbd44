import { describe, expect, it } from '@jest/globals';
import { lastValueFrom } from 'rxjs';
import { ClusterIncomplete, OperationNotFound } from 'nestjs-cancelable';
import { rejection } from '../support/deferred.js';
import { until } from '../support/open-bus.js';
import { startWithPlayed } from './with-played.js';

const SNAPSHOT = {
  ...{ id: 'order-17', name: 'import', kind: 'task', status: 'running' },
  ...{ startedAt: '2026-11-29T22:00:00.000Z', metadata: {}, tags: [] },
};

/** Somebody here who watches an operation of a played instance. */
async function startWatching() {
  const started = await startWithPlayed();
  const { registry, played, service } = started;
  played.answers = ({ t }) => (t === 'get' ? SNAPSHOT : null);
  const seen: [string, unknown][] = [];
  let error: unknown;
  let isOver = false;
  const watching = registry.cluster.watch('order-17').subscribe({
    next: ({ type, data }) => seen.push([type, data.name]),
    error: (thrown: unknown) => (error = thrown),
    complete: () => (isOver = true),
  });
  const told = (topic: string) => played.heard.filter(({ k, t }) => k === 'tell' && t === topic);
  await until(() => told('watch').length > 0);
  const feed = told('watch')[0]!.b['feed'];
  return {
    ...{ ...started, seen, told, watching },
    error: () => error,
    isOver: () => isOver,
    show: (type: string, number: number, data: unknown, other: object = {}) =>
      played.send(`${service}:all`, 'tell', 'watched', '', { feed, type, number, data }, other),
  };
}

const named = (name: string) => ({ ...SNAPSHOT, name });

describe('whoever watches an operation of another instance', () => {
  it('sees what that instance shows, in order, and nothing else', async () => {
    const { show, seen, isOver } = await startWatching();
    await show('state', 3, named('first'));
    await show('progress', 3, named('again'));
    await show('progress', 2, named('late'));
    await show('progress', 9, named('forged'), { f: 'other' });
    for (const data of [7, null, {}, { id: 7 }]) await show('progress', 4, data);
    await show('later', 5, named('of a later release'));
    await show('progress', 6, named('second'));
    await show('settled', 7, named('last'));
    await until(isOver);
    expect(seen).toEqual([
      ['state', 'first'],
      ['progress', 'second'],
      ['settled', 'last'],
    ]);
  });

  it('says so with every heartbeat, and when he has seen enough', async () => {
    const { told, watching } = await startWatching();
    await until(() => told('watch').length > 2);
    expect(new Set(told('watch').map(({ b }) => b['feed'])).size).toBe(1);
    watching.unsubscribe();
    await until(() => told('leave').length === 1);
    expect(told('leave')[0]!.b['feed']).toBe(told('watch')[0]!.b['feed']);
  });

  it('hears that it is unknown there', async () => {
    const { show, error } = await startWatching();
    await show('unknown', 1, null);
    await until(() => error() !== undefined);
    expect(error()).toBeInstanceOf(OperationNotFound);
  });

  it('hears that the instance is gone, and of no other', async () => {
    const { played, service, error, show, seen } = await startWatching();
    await played.beatAs('other');
    await played.send(`${service}:all`, 'bye', '', '', null, { f: 'other' });
    await show('state', 1, SNAPSHOT);
    await until(() => seen.length > 0);
    expect(error()).toBeUndefined();
    await played.leave();
    await until(() => error() !== undefined);
    expect(error()).toBeInstanceOf(ClusterIncomplete);
    expect((error() as ClusterIncomplete).missing).toEqual(['played']);
  });

  it('does not ask for it once he has gone, nor is told that there is none while one is silent', async () => {
    const { registry, played, told } = await startWatching();
    const before = new Set(told('watch').map(({ b }) => b['feed']));
    const asked = () => played.heard.filter(({ k, t }) => k === 'ask' && t === 'get').length;
    registry.cluster.watch('order-17').subscribe().unsubscribe();
    await until(() => asked() > 1);
    await until(() => told('watch').length > before.size + 2);
    expect(new Set(told('watch').map(({ b }) => b['feed']))).toEqual(before);
    played.answers = undefined;
    const error = await rejection(lastValueFrom(registry.cluster.watch('order-18')));
    expect(error).toBeInstanceOf(ClusterIncomplete);
  });
});

describe('whoever follows events of all instances', () => {
  it('says so with every heartbeat, sees what makes sense, and says when he has seen enough', async () => {
    const { registry, played, service } = await startWithPlayed();
    const seen: unknown[] = [];
    const events = registry.cluster
      .events$({ name: 'import' })
      .subscribe((event) => seen.push(event));
    const told = (topic: string) => played.heard.filter(({ k, t }) => k === 'tell' && t === topic);
    await until(() => told('follow').length > 2);
    const { feed } = told('follow')[0]!.b;
    const at = 1_000;
    const given = [
      ...[7, null, { type: 'later', at, operation: SNAPSHOT }],
      ...[
        { type: 'started', at: 'now', operation: SNAPSHOT },
        { type: 'started', at, operation: {} },
      ],
      { type: 'started', at, operation: SNAPSHOT },
    ];
    await played.send(`${service}:all`, 'tell', 'events', '', { feed, events: given });
    await until(() => seen.length > 0);
    const event = { type: 'started', at: new Date(at), operation: SNAPSHOT, instance: 'played' };
    expect(seen).toEqual([event]);
    events.unsubscribe();
    await until(() => told('leave').length > 0);
    expect(told('leave')[0]!.b['feed']).toBe(feed);
  });
});
