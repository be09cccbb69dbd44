import { createHmac } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { type CancelationBus, localBus } from 'nestjs-cancelable';
import { startContext } from '../support/app-context.js';
import { closeAfterTest } from '../support/close-after-test.js';
import { until } from '../support/open-bus.js';
import { randomNumbers } from '../support/random.js';
import { hang, newService, startInstances, untilKnown } from './instances.js';

/** A bus over another, whose messages go through somebody's hands. */
function through(
  bus: CancelationBus,
  send: (channel: string, message: string, publish: CancelationBus['publish']) => unknown,
): CancelationBus {
  const publish: CancelationBus['publish'] = (channel, message) => bus.publish(channel, message);
  return {
    name: 'through',
    secret: bus.secret,
    open: (host) => bus.open(host),
    publish: async (channel, message) => void (await send(channel, message, publish)),
    subscribe: (channel, listener) => bus.subscribe(channel, listener),
    isHeard: (channel) => bus.isHeard(channel),
    close: () => bus.close(),
  };
}

/** Somebody else on the same server. */
async function openIntruder(): Promise<CancelationBus> {
  const bus = localBus();
  await bus.open({ log: { debug() {}, warn() {}, error() {} }, onRecovered() {} });
  closeAfterTest(() => bus.close());
  return bus;
}

describe('messages', () => {
  it.each([
    ['unsigned', undefined],
    ['signed', 'a secret'],
  ])('that come twice, late and in any order change nothing: %s', async (_, secret) => {
    const random = randomNumbers(1);
    const shuffled = () =>
      through(Object.assign(localBus(), { secret }), (channel, message, publish) => {
        for (let copy = 0; copy < 3; copy++) {
          setTimeout(() => void publish(channel, message).catch(() => {}), random() * 50);
        }
      });
    const [a, b] = await startInstances(3, { bus: shuffled, timeout: '5s' });
    for (let round = 0; round < 10; round++) {
      const operations = Array.from({ length: 5 }, () => b!.registry.spawn('import', hang));
      for (const { result } of operations) result.catch(() => {});
      const [first, ...others] = operations;
      const one = await a!.registry.cluster.cancel(first!.id);
      expect(one).toMatchObject({ canceled: true, owner: 'instance-1' });
      const rest = await a!.registry.cluster.cancelAll({ name: 'import', status: 'running' });
      expect(rest).toMatchObject({ complete: true, count: others.length });
      await b!.registry.whenIdle();
    }
    expect(b!.registry.statistics().byReason).toEqual({ manual: 50 });
    const ids = Array.from({ length: 2_000 }, () => b!.registry.spawn('import', hang).id);
    const { operations, complete } = await a!.registry.cluster.list();
    expect(complete).toBe(true);
    expect(operations.map(({ id }) => id)).toEqual(ids);
  });

  it('of which every fourth one is lost are sent again', async () => {
    const random = randomNumbers(2);
    const lossy = () =>
      through(localBus(), (channel, message, publish) => {
        // Heartbeats are not repeated: what is lost of them is made up by the next.
        const isBeat = message.includes('"k":"beat"');
        return isBeat || random() > 1 / 4 ? publish(channel, message) : undefined;
      });
    const [a, b] = await startInstances(2, { bus: lossy, timeout: '10s' });
    const operation = b!.registry.spawn('import', hang);
    operation.result.catch(() => {});
    expect((await a!.registry.cluster.list()).complete).toBe(true);
    expect(await a!.registry.cluster.cancel(operation.id)).toMatchObject({ canceled: true });
    expect(b!.registry.statistics().byReason).toEqual({ manual: 1 });
  });

  it('that are garbage, of another version, or too long are ignored and said once', async () => {
    const service = newService();
    const [a, b] = await startInstances(2, { service });
    const intruder = await openIntruder();
    const garbage = [
      ...['', '{', 'null', '[]', '{}', '{"v":"1"}', '{"v":1,"k":7}', '\u0000'],
      ...['{"v":1,"k":"beat","f":"x","t":"","r":"","b":null}', '{"v":1,"k":"ask","f":1}'],
      '{"v":1,"k":"beat","f":"y","t":"","r":"","b":{"id":"z","name":"z","startedAt":"","every":60000}}',
      '{"v":1,"k":"answer","f":"x","t":"","r":"nobody","b":{}}',
      '{"v":1,"k":"tell","f":"x","t":"watch","r":"","b":7}',
    ];
    const versions = [
      ...['{"v":2,"k":"ask","f":"x","t":"cancelAll","r":"1","b":{"filter":{},"scope":[]}}'],
      ...['{"v":1,"k":"later","f":"x","t":"","r":"","b":null}'],
      '{"v":1,"k":"ask","f":"x","t":"later","r":"1","b":null}',
    ];
    const operation = b!.registry.spawn('import', hang);
    for (const message of [...garbage, ...versions, 'x'.repeat(5_000_000)]) {
      for (let time = 0; time < 3; time++) await intruder.publish(`${service}:all`, message);
    }
    // What was sent before its questions and answers has been taken.
    await a!.registry.cluster.instances();
    const answer = await a!.registry.cluster.list();
    expect(answer).toMatchObject({ complete: true, expected: ['instance-0', 'instance-1'] });
    expect(operation.status).toBe('running');
    for (const kind of ['garbage', 'version', 'oversized']) {
      // Nest has one logger in a process; each of the two says it once.
      const said = [a!, b!].flatMap(({ log }) => log.find('warn', `was ignored (${kind})`));
      expect(said).toHaveLength(2);
    }
  });

  it('without the right signature are ignored', async () => {
    const service = newService();
    const signed = (secret: string) => () => Object.assign(localBus(), { secret });
    const [a, b] = await startInstances(2, { service, bus: signed('a secret') });
    const operation = b!.registry.spawn('import', hang);
    const ask = (id: string) =>
      JSON.stringify({
        ...{ v: 1, k: 'ask', f: 'x', t: 'cancel', r: '1', n: 1 },
        b: { id, scope: [], cancel: {} },
      });
    const intruder = await openIntruder();
    const channel = `${service}:to:${operation.id.slice(0, 8)}`;
    const sign = (secret: string, where: string) =>
      createHmac('sha256', secret)
        .update(`${where}\n${ask(operation.id)}`)
        .digest('base64url');
    await intruder.publish(channel, ask(operation.id));
    await intruder.publish(channel, `${sign('another', channel)}.${ask(operation.id)}`);
    // Signed, but for somewhere else.
    await intruder.publish(channel, `${sign('a secret', `${service}:all`)}.${ask(operation.id)}`);
    const [stranger] = await startInstances(1, { service, bus: signed('another') });
    expect((await stranger!.registry.cluster.list()).operations).toEqual([]);
    expect((await a!.registry.cluster.list()).operations).toHaveLength(1);
    expect(operation.status).toBe('running');
    const said = [a!, b!, stranger!].flatMap(({ log }) => log.find('warn', 'ignored (forged)'));
    expect(said).toHaveLength(3);
    operation.result.catch(() => {});
    await intruder.publish(channel, `${sign('a secret', channel)}.${ask(operation.id)}`);
    await until(() => operation.status !== 'running');
  });

  it('that were signed for others before, and are sent again, do nothing', async () => {
    const service = newService();
    const bus = () => Object.assign(localBus(), { secret: 'a secret' });
    const [a, b] = await startInstances(2, { service, bus });
    const intruder = await openIntruder();
    const channel = `${service}:all`;
    const recorded: string[] = [];
    const stop = await intruder.subscribe(channel, (message) => recorded.push(message));
    b!.registry.spawn('import', hang).result.catch(() => {});
    expect(await a!.registry.cluster.cancelAll({})).toMatchObject({ count: 1, complete: true });
    await a!.app.close();
    await until(() => recorded.some((message) => message.includes('"k":"bye"')));
    await stop();

    // One that knows the sender, as it was, and one that has never heard of it.
    const cluster = { service, bus: bus(), heartbeat: '100ms' };
    const c = await startContext({}, { cluster });
    const registries = [b!.registry, c.registry];
    await untilKnown(registries, 2);
    const operations = registries.map((registry) => registry.spawn('import', hang));
    const alone = operations.map(({ id }) => `${service}:to:${id.slice(0, 8)}`);
    for (const where of [channel, ...alone]) {
      for (const message of recorded) await intruder.publish(where, message);
    }
    // What comes after it is answered after it.
    await untilKnown(registries, 2);
    expect(operations.map(({ status }) => status)).toEqual(['running', 'running']);
    const said = [a!, b!, c].flatMap(({ log }) => log.find('warn', 'ignored (stale)'));
    expect(said).toHaveLength(2);
  });

  it('recorded from version 1 are understood', async () => {
    const service = newService();
    const [a] = await startInstances(1, { service });
    const operation = a!.registry.spawn('import', hang);
    operation.result.catch(() => {});
    const bus = await openIntruder();
    const answers: string[] = [];
    const answered = new Promise<void>((resolve) => {
      void bus.subscribe(`${service}:to:recorded`, (message) => {
        answers.push(message);
        if (message.includes('"r":"request-2"')) resolve();
      });
    });
    const beat = String.raw`{"v":1,"k":"beat","f":"recorded","t":"hello","r":"","b":{"id":"recorded","name":"pod-7","startedAt":"2026-11-29T22:00:00.000Z","live":3,"draining":false,"every":1000}}`;
    const list = String.raw`{"v":1,"k":"ask","f":"recorded","t":"list","r":"request-1","b":{"filter":{"name":{"source":"^IMP","flags":"i"},"limit":5},"from":"live","scope":[]}}`;
    const cancel = `{"v":1,"k":"ask","f":"recorded","t":"cancel","r":"request-2","b":{"id":${JSON.stringify(operation.id)},"cancel":{"message":"stop"},"scope":[]}}`;
    for (const message of [beat, list, cancel]) {
      await bus.publish(`${service}:all`, message);
      await new Promise(setImmediate);
    }
    await answered;
    expect(operation.status).toMatch(/cancel/);
    const bodies = answers.map((each) => (JSON.parse(each) as { b: Record<string, unknown> }).b);
    expect(bodies[0]).toMatchObject({
      name: 'instance-0',
      every: 100,
      others: [{ id: 'recorded' }],
    });
    expect(bodies[1]).toMatchObject({
      by: { name: 'instance-0' },
      value: { items: [{ id: operation.id, name: 'import' }] },
    });
    expect(bodies[2]).toMatchObject({ value: { found: true, canceled: true } });
    const { instances } = await a!.registry.cluster.instances({ timeout: '100ms' });
    expect(instances).toContainEqual(
      expect.objectContaining({ id: 'pod-7', live: 3, replied: false }),
    );
  });
});

describe('a long answer', () => {
  it('stays below a megabyte, whatever operations hold', async () => {
    let longest = 0;
    const measured = () =>
      through(localBus(), (channel, message, publish) => {
        longest = Math.max(longest, Buffer.byteLength(message));
        return publish(channel, message);
      });
    const [a, b] = await startInstances(2, { bus: measured });
    const events: string[] = [];
    a!.registry.cluster.events$().subscribe(({ type }) => events.push(type));
    await a!.registry.cluster.instances();
    const hold = (text: string) =>
      b!.registry.spawn({ name: 'hold', metadata: { text } }, (own) => {
        own.savePartial(text);
        return own.sleep('1h');
      });
    const large = hold('\u{4e2d}'.repeat(300_000));
    const middling = Array.from({ length: 20 }, () => hold('\u{4e2d}'.repeat(30_000)));
    const { operations, complete } = await a!.registry.cluster.list();
    expect(complete).toBe(true);
    expect(operations.map(({ id }) => id)).toEqual([large, ...middling].map(({ id }) => id));
    expect(operations[0]).toMatchObject({ metadata: {}, name: 'hold' });
    expect(operations[0]!.partialResult).toMatch(/too large to be sent/);
    expect(operations[1]!.partialResult).toHaveLength(30_000);
    expect((await a!.registry.cluster.get(large.id)).operation!.metadata).toEqual({});
    while (events.length < 21) await new Promise(setImmediate);
    expect(longest).toBeLessThan(1_000_000);
  });

  it('comes in pages, and keeps no event loop long', async () => {
    const COUNT = 30_000;
    const service = newService();
    const start = async (instance: string) =>
      startContext(
        {},
        { maxLive: 2 * COUNT, cluster: { bus: localBus(), service, instance, timeout: '10s' } },
      );
    const [a, b] = [await start('a'), await start('b')];
    await untilKnown([a.registry, b.registry], 2);
    let end!: () => void;
    const ended = new Promise<void>((resolve) => (end = resolve));
    for (const { registry } of [a, b]) {
      for (let index = 0; index < COUNT; index++)
        registry.spawn(`import.${index % 7}`, () => ended);
    }
    const idsOf = ({ registry }: typeof a) =>
      registry.list({ name: /^import\.[0-5]$/ }).map(({ id }) => id);
    const expected = [idsOf(a), idsOf(b)];
    let turns = 0;
    let isOver = false;
    const count = () => {
      turns++;
      if (!isOver) setImmediate(count);
    };
    count();
    const { operations, complete } = await a.registry.cluster.list({ name: /^import\.[0-5]$/ });
    isOver = true;
    end();
    expect(complete).toBe(true);
    for (const [name, ids] of [
      ['a', expected[0]],
      ['b', expected[1]],
    ] as const) {
      const own = operations.filter(({ instance }) => instance === name);
      expect(own.map(({ id }) => id)).toEqual(ids);
    }
    // Each page and slice is a turn of its own.
    expect(turns).toBeGreaterThan(50);
  });
});
