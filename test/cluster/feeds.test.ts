import { describe, expect, it } from '@jest/globals';
import type { OperationRegistry } from 'nestjs-cancelable';
import { deferred } from '../support/deferred.js';
import { until } from '../support/open-bus.js';
import { hang } from './instances.js';
import { startWithPlayed } from './with-played.js';

const isShown = (topic: string) => topic === 'watched' || topic === 'events';

/** An operation here, and somebody elsewhere who sees what is told of it. */
async function startShown() {
  const { registry, played, service } = await startWithPlayed();
  const all = `${service}:all`;
  const tell = (topic: string, body: object, other: object = {}) =>
    played.send(all, 'tell', topic, '', { scope: [], ...body }, other);
  const heard = (feed: string) =>
    played.heard.flatMap(({ t, b }) => (isShown(t) && b['feed'] === feed ? [b] : []));
  return {
    ...{ registry, played, all, heard },
    watch: (feed: string, id: string, other?: object) => tell('watch', { feed, id }, other),
    follow: (feed: string, filter: unknown = {}) => tell('follow', { feed, filter }),
    leave: (feed: string, other?: object) => tell('leave', { feed }, other),
    /** The types of what was told of a feed, without those of another. */
    types: (feed: string) => heard(feed).map(({ type }) => type),
    events: (feed: string) => heard(feed).flatMap(({ events }) => events as { type: string }[]),
  };
}

/** An operation that reports when it is told to, and then ends. */
function spawnReporting(registry: OperationRegistry) {
  const { promise: end, resolve: finish } = deferred<void>();
  let report!: () => void;
  const operation = registry.spawn('import', (own) => {
    let current = 0;
    report = () => own.reportProgress({ current: ++current });
    return end;
  });
  return { id: operation.id, report, finish };
}

describe('an operation that somebody watches from elsewhere', () => {
  it('is shown once, however often it is asked for', async () => {
    const { registry, watch, types, played } = await startShown();
    const { id, report } = spawnReporting(registry);
    for (let time = 0; time < 3; time++) await watch('f', id);
    await played.settle();
    report();
    await until(() => types('f').length > 1);
    await played.settle();
    expect(types('f')).toEqual(['state', 'progress']);
  });

  it('is shown to whoever still watches, and to nobody else', async () => {
    const { registry, watch, leave, types, played, all } = await startShown();
    const { id, report } = spawnReporting(registry);
    for (const feed of ['left', 'stays']) await watch(feed, id);
    await leave('left');
    // Another has feeds of the same name, and goes.
    await played.beatAs('other');
    await watch('stays', id, { f: 'other' });
    await leave('stays', { f: 'other' });
    await played.send(all, 'bye', '', '', null, { f: 'other' });
    await played.settle();
    report();
    await until(() => types('stays').length > 1);
    expect(types('left')).toEqual(['state']);
    await played.leave();
    await played.settle();
    let shown = 0;
    registry.watch(id).subscribe(() => shown++);
    report();
    await until(() => shown > 1);
    await played.settle();
    expect(types('stays')).toEqual(['state', 'progress']);
  });

  it('is shown no more when nobody has said for some seconds that he watches', async () => {
    const { registry, watch, types, played } = await startShown();
    const { id, report } = spawnReporting(registry);
    await watch('forgotten', id);
    let last = 0;
    await until(async () => {
      last = types('forgotten').length;
      const before = types('renewed').length;
      await watch('renewed', id);
      report();
      await until(() => types('renewed').length > before);
      await played.settle();
      return types('forgotten').length === last;
    });
    expect(last).toBeGreaterThan(1);
  });

  it('has its outcome told again, until it has arrived', async () => {
    const { registry, watch, heard, types } = await startShown();
    const { id, finish } = spawnReporting(registry);
    await watch('f', id);
    await until(() => types('f').includes('state'));
    finish();
    await until(() => types('f').includes('settled'));
    await watch('f', id);
    await until(() => types('f').length === 3);
    expect(types('f')).toEqual(['state', 'settled', 'settled']);
    const numbers = heard('f').map(({ number }) => Number(number));
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  });

  it('is said to be unknown when it is, each time', async () => {
    const { watch, types } = await startShown();
    await watch('f', 'nobody');
    await until(() => types('f').length === 1);
    await watch('f', 'nobody');
    await until(() => types('f').length === 2);
    expect(types('f')).toEqual(['unknown', 'unknown']);
  });
});

describe('events that somebody follows from elsewhere', () => {
  it('are told no more after he has left', async () => {
    const { registry, follow, leave, events, played } = await startShown();
    for (const feed of ['left', 'stays']) await follow(feed);
    await leave('left');
    await played.settle();
    registry.spawn('import', hang).result.catch(() => {});
    await until(() => events('stays').length > 0);
    expect(events('left')).toEqual([]);
  });

  it('are left out beyond a thousand at a time, and told once', async () => {
    const { registry, follow, events, played } = await startShown();
    await follow('f', { name: 'import' });
    await played.settle();
    for (let count = 0; count < 1_200; count++) registry.spawn('import', hang);
    await until(() => events('f').length >= 1_000);
    registry.spawn('import', hang);
    await until(() => events('f').length > 1_000);
    expect(events('f')).toHaveLength(1_001);
  });

  it('can be asked for again, after what made no sense', async () => {
    const { registry, follow, events, played } = await startShown();
    await follow('f', { later: 1 });
    await follow('f', {});
    await played.settle();
    registry.spawn('import', hang).result.catch(() => {});
    await until(() => events('f').length > 0);
    expect(events('f')).toMatchObject([{ type: 'started' }]);
  });
});
