import { describe, expect, it } from '@jest/globals';
import { firstValueFrom, lastValueFrom } from 'rxjs';
import { ClusterIncomplete } from 'nestjs-cancelable';
import { closeAfterTest } from '../support/close-after-test.js';
import { rejection } from '../support/deferred.js';
import { until } from '../support/open-bus.js';
import { startContext } from '../support/app-context.js';
import { SOON, startWithPlayed } from './with-played.js';
import { hang, newService, startInstances, untilKnown } from './instances.js';

describe('an instance of a later release', () => {
  it('that speaks a later version beside this one is waited for, and named', async () => {
    const { registry, played, service } = await startWithPlayed();
    const operation = registry.spawn('import', hang);
    const ask = { filter: {}, scope: [], cancel: {}, except: [] };
    await played.send(`${service}:all`, 'ask', 'cancelAll', 'r1', ask, { v: 2 });
    await played.send(`${service}:all`, 'pause', 'cancelAll', 'r2', ask);
    await played.send(`${service}:all`, 'tell', 'pause', '', ask);
    await played.send(`${service}:all`, 'ask', 'pauseAll', 'r3', ask);
    // With what this release does not know, a filter would mean more than it says.
    const filter = { name: 'import', priority: 'low' };
    await played.send(`${service}:all`, 'ask', 'cancelAll', 'r4', { ...ask, filter });
    await until(() => played.heard.some(({ r }) => r === 'r4'));
    expect(played.answerTo('r4')).toMatchObject({ problem: expect.stringContaining('priority') });
    expect(played.heard.filter(({ r }) => ['r1', 'r2', 'r3'].includes(r))).toEqual([]);
    expect(operation.status).toBe('running');

    const list = await registry.cluster.list({}, SOON);
    expect(list).toMatchObject({ complete: false, replied: ['instance-0'] });
    expect(list.expected).toContain('played');
    const error = (await rejection(registry.cluster.cancel('17', SOON))) as ClusterIncomplete;
    expect(error).toBeInstanceOf(ClusterIncomplete);
    expect(error.missing).toEqual(['played']);
  });

  it('that says more than this one knows is understood', async () => {
    const { registry, played, service } = await startWithPlayed();
    const operation = registry.spawn('import', hang);
    operation.result.catch(() => {});
    const cancel = { message: 'stop', urgency: 9 };
    const ask = { id: operation.id, cancel, scope: [], trace: 'x' };
    await played.send(`${service}:all`, 'ask', 'cancel', 'r1', ask, { later: true });
    await until(() => played.heard.some(({ r }) => r === 'r1'));
    expect(played.answerTo('r1')).toMatchObject({ value: { found: true, canceled: true } });
    expect(operation.status).toMatch(/cancel/);
  });
});

describe('an instance that answers what makes no sense', () => {
  it.each([
    ['nothing', undefined],
    ['a number', 7],
    ['an empty object', {}],
    ['a list', []],
    ['pages that never end', { items: [], more: 'x', now: 0 }],
    ['what is no operation', { items: [{ id: 1 }], now: 0 }],
    ['statistics of text', { statistics: { live: 'x' }, samples: {} }],
  ])('leaves answers open: %s', async (_, value) => {
    const { registry, played } = await startWithPlayed();
    played.answers = () => value;
    for (const answer of [
      await registry.cluster.list({}, SOON),
      await registry.cluster.cancelAll({ name: 'x' }, SOON),
      await registry.cluster.statistics(SOON),
    ]) {
      expect(answer).toMatchObject({ complete: false, replied: ['instance-0'] });
    }
    for (const call of ['get', 'cancel'] as const) {
      const error = await rejection(registry.cluster[call]('order-17', SOON));
      expect(error).toBeInstanceOf(ClusterIncomplete);
      expect((error as Error).message).toMatch(/played: what it answered cannot be read/);
    }
  });
});

describe('an id that is used again', () => {
  it('means the operation that is live, wherever another has had it', async () => {
    const [a, b] = await startInstances(2);
    await b!.registry.run({ name: 'order', id: 'order-17' }, () => Promise.resolve());
    await a!.registry.run({ name: 'order', id: 'order-17' }, () => Promise.resolve());
    const live = b!.registry.spawn({ name: 'order', id: 'order-17' }, hang);
    live.result.catch(() => {});
    const { operation } = await a!.registry.cluster.get('order-17');
    expect(operation).toMatchObject({ status: 'running', instance: 'instance-1' });
    const canceled = await a!.registry.cluster.cancel('order-17');
    expect(canceled).toMatchObject({ canceled: true, owner: 'instance-1' });
  });

  it('leaves open what those know who have not answered', async () => {
    const { registry } = await startWithPlayed();
    await registry.run({ name: 'order', id: 'order-17' }, () => Promise.resolve());
    const missing = { complete: false, replied: ['instance-0'] };
    expect(await registry.cluster.get('order-17', SOON)).toMatchObject(missing);
    const canceled = await registry.cluster.cancel('order-17', SOON);
    expect(canceled).toMatchObject({ ...missing, canceled: false, owner: 'instance-0' });
  });
});

describe('messages that want to do harm', () => {
  it('throw nothing into the bus, and change nothing', async () => {
    const { registry, played, service } = await startWithPlayed();
    const operation = registry.spawn({ name: 'import', metadata: { owner: 'ada' } }, hang);
    const thrown: unknown[] = [];
    const note = (error: unknown) => thrown.push(error);
    process.on('uncaughtException', note);
    closeAfterTest(() => process.off('uncaughtException', note));
    const noText = { toString: 1, valueOf: 1 };
    for (const topic of ['watched', 'events', 'leave', 'watch', 'follow']) {
      for (const feed of [noText, null, '__proto__', 'constructor']) {
        await played.send(`${service}:all`, 'tell', topic, '', { feed, id: noText, scope: 7 });
      }
    }
    const proto = JSON.parse('{"__proto__":{"x":1}}') as object;
    const scope = Array.from({ length: 50_000 }, () => ({ tag: 'x' }));
    const questions = [
      { filter: proto, scope: [] },
      { filter: { constructor: 'x' }, scope: [] },
      { filter: { metadata: proto }, scope: [] },
      { filter: {}, scope },
    ];
    for (const [index, body] of questions.entries()) {
      const ask = { ...body, cancel: {}, except: [] };
      await played.send(`${service}:all`, 'ask', 'cancelAll', `r${index}`, ask);
    }
    await until(() => questions.every((_, index) => played.answerTo(`r${index}`) !== undefined));
    expect(played.answerTo('r2')).toMatchObject({ value: { count: 0 } });
    for (const request of ['r0', 'r1', 'r3']) {
      expect(played.answerTo(request)).toMatchObject({ problem: expect.any(String) });
    }
    await played.send(`${service}:all`, 'ask', 'about', 'r'.repeat(257), null);
    await played.send(`${service}:all`, 'ask', 'about', 'r'.repeat(256), null);
    for (const id of ['>', 'a b', 'a.b', '*', 'x\r\ny', '', 'x'.repeat(65)]) {
      await played.beatAs(id);
    }
    await played.settle();
    expect(played.answerTo('r'.repeat(257))).toBeUndefined();
    expect(played.answerTo('r'.repeat(256))).toBeDefined();
    const { expected } = await registry.cluster.instances(SOON);
    expect([...expected].sort()).toEqual(['instance-0', 'played']);
    expect(operation.status).toBe('running');
    expect(thrown).toEqual([]);
  });
});

describe('a page of an answer', () => {
  it('fits into a message of NATS, whatever its text is made of', async () => {
    const { registry, played, service } = await startWithPlayed();
    for (let index = 0; index < 4; index++) {
      registry.spawn({ name: 'import', metadata: { text: '語'.repeat(120_000) } }, hang);
    }
    registry.spawn({ name: 'import', metadata: { text: '語'.repeat(390_000) } }, hang);
    const list = { filter: null, from: 'live', scope: [] };
    await played.send(`${service}:all`, 'ask', 'list', 'r1', list);
    await until(() => played.answerTo('r1') !== undefined);
    const { more } = played.answerTo('r1')!['value'] as { more: string };
    for (let number = 1, isMore = true; isMore; number++) {
      const request = `page-${number}`;
      await played.send(`${service}:all`, 'ask', 'page', request, { more, number });
      await until(() => played.answerTo(request) !== undefined);
      isMore = 'more' in (played.answerTo(request)!['value'] as object);
    }
    expect(played.longest).toBeGreaterThan(300_000);
    expect(played.longest).toBeLessThan(1_000_000);
  });
});

describe('an instance that has left', () => {
  it('does not claim to know of the others', async () => {
    const [a, b] = await startInstances(2);
    const id = b!.registry.spawn('import', hang).id;
    await a!.app.close();
    const list = await a!.registry.cluster.list();
    expect(list).toMatchObject({ complete: false, operations: [] });
    const error = await rejection(a!.registry.cluster.cancel(id));
    expect(String(error)).toMatch(/ClusterIncomplete: .*has left the others/);
  });
});

describe('those who watch', () => {
  it('are told when their instance leaves, and seen no more elsewhere', async () => {
    const [a, b] = await startInstances(2);
    const id = b!.registry.spawn('import', hang).id;
    const watched = rejection(lastValueFrom(a!.registry.cluster.watch(id)));
    const events = lastValueFrom(a!.registry.cluster.events$(), { defaultValue: 'over' });
    await firstValueFrom(a!.registry.cluster.watch(id));
    await a!.app.close();
    expect(await watched).toBeInstanceOf(ClusterIncomplete);
    expect(await events).toBe('over');
    const after = a!.registry.cluster.events$();
    expect(await lastValueFrom(after, { defaultValue: 'over' })).toBe('over');
  });

  it('are refused when they are too many for one instance', async () => {
    const [a, b, c] = await startInstances(3, { timeout: '10s' });
    const id = b!.registry.spawn('import', hang).id;
    const seen = new Set<number>();
    for (let index = 0; index < 1_000; index++) {
      const watch = a!.registry.cluster.watch(id).subscribe(() => seen.add(index));
      closeAfterTest(() => watch.unsubscribe());
    }
    await until(() => seen.size === 1_000);
    const error = await rejection(lastValueFrom(a!.registry.cluster.watch(id)));
    expect(error).toBeInstanceOf(ClusterIncomplete);
    expect((await firstValueFrom(c!.registry.cluster.watch(id))).type).toBe('state');
  });
});

describe('an instance that beats too seldom', () => {
  it('is refused, since the others would not see it', async () => {
    const cluster = { service: newService(), heartbeat: '11m' };
    expect((await rejection(startContext({}, { cluster }))).message).toMatch(/10 minutes/);
    const { registry } = await startContext({}, { cluster: { ...cluster, heartbeat: '10m' } });
    await untilKnown([registry], 1);
  });
});
