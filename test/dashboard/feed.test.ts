import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { currentOperation } from 'nestjs-cancelable';
import { hang } from '../cluster/instances.js';
import { deferred } from '../support/deferred.js';
import { adapters } from '../support/http-app.js';
import { until } from '../support/open-bus.js';
import { listenersOf, startDashboard } from './dashboard-app.js';

const names = (operations: readonly { name: string }[]) => operations.map(({ name }) => name);

describe.each(adapters)('The feed of the dashboard on %s', (adapter) => {
  it('begins with a reset, then tells of what changes', async () => {
    const { caller, registry } = await startDashboard(adapter);
    const reader = await caller.follow();
    await reader.until('reset');
    expect(reader.answer.response.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store, no-transform',
    });

    const halfway = deferred<void>();
    const operation = registry.spawn('import', async () => {
      currentOperation().reportProgress({ current: 1, total: 2 });
      await halfway.promise;
      currentOperation().reportProgress({ current: 2, total: 2 });
      return hang();
    });
    await reader.until('"percent":50');
    halfway.resolve();
    await reader.until('"percent":100');
    operation.cancel({ message: 'enough' });
    await reader.until('"canceled"');

    expect(reader.events[0]).toMatchObject({ event: 'reset', data: { now: expect.any(Number) } });
    expect(reader.operations.at(-1)).toMatchObject({
      id: operation.id,
      status: 'canceled',
      message: 'enough',
      cancelable: false,
    });
  });

  it('goes on where a reader has stopped', async () => {
    const { caller, registry } = await startDashboard(adapter);
    const first = await caller.follow();
    registry.spawn('one', hang);
    await first.until('"one"');
    const { id } = first.events.at(-1) as { id: string };
    first.leave();
    registry.spawn('two', hang);
    const listener = await caller.follow();
    await registry.run('three', () => 3);
    await listener.until('"three"');

    const second = await caller.follow(id);
    await second.until('"three"');
    expect(second.events.map(({ event }) => event)).not.toContain('reset');
    expect(names(second.operations)).toEqual(['two', 'three']);
  });

  it('tells who comes from another process, or too late, to begin anew', async () => {
    const { caller, registry } = await startDashboard(adapter);
    const before = await caller.follow();
    await before.until('reset');
    for (const strange of ['other.0', 'x', '1', '../..', `${before.events[0]?.id}9`]) {
      const reader = await caller.follow(strange);
      await reader.until('reset');
    }
    const { id } = before.events[0] as { id: string };
    for (let batch = 0; batch < 7; batch++) {
      for (let index = 0; index < 900; index++) await registry.run(`work`, () => index);
      await registry.run(`batch-${batch}`, () => batch);
      await before.until(`batch-${batch}`);
    }
    const late = await caller.follow(id);
    await late.until('reset');
    expect(late.operations).toEqual([]);
  });

  it('says what began and ended in one moment once, and names alone what is too much', async () => {
    const { caller, registry } = await startDashboard(adapter);
    const reader = await caller.follow();
    await reader.until('reset');
    // In one turn of the event loop.
    for (let index = 0; index < 3_000; index++) void registry.start('quick').complete();
    void registry.start('last').complete();

    await until(() => {
      const told = reader.operations.length;
      const gone = reader.events.flatMap(({ data }) => data.gone ?? []).length;
      return told + gone >= 3_001;
    });
    expect(reader.operations).toHaveLength(1_000);
    const gone = reader.events.flatMap(({ data }) => data.gone ?? []);
    const last = registry.history({ name: 'last' })[0];
    expect(gone).toContain(last?.id);
    expect(new Set(gone).size).toBe(2_001);
  });

  it('keeps for a slow reader the latest of each, and no more', async () => {
    const { caller, registry, port } = await startDashboard(adapter, {
      allowAnonymous: true,
      redact: (snapshot, { headers }) =>
        headers['x-slow'] === undefined ? { ...snapshot, metadata: {} } : snapshot,
    });
    const watcher = await caller.follow();
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write('GET /operations/api/feed HTTP/1.1\r\nHost: x\r\nX-Slow: 1\r\n\r\n');
    await once(socket, 'readable');
    // From here on, it does not read.
    const big = 'x'.repeat(1_000_000);
    await registry.run({ name: 'long', metadata: { big } }, async () => {
      for (let step = 1; step <= 30; step++) {
        currentOperation().reportProgress({ current: step, total: 30 });
        await watcher.until(`"current":${step},`);
      }
    });
    await watcher.until('"completed"');

    let messages = 0;
    let isComplete = false;
    let end = '';
    socket.on('data', (chunk: Buffer) => {
      const text = end + chunk.toString();
      messages += text.split('event: changes').length - 1;
      isComplete ||= text.includes('"completed"');
      end = text.slice(-20).replace('event: changes', '');
    });
    await until(() => isComplete);
    const told = watcher.events.filter(({ event }) => event === 'changes').length;
    expect(told).toBe(31);
    // What did not fit into the connection's buffers was put together.
    expect(messages).toBeGreaterThan(0);
    expect(messages).toBeLessThan(told);
    socket.destroy();
  });

  it('has room for so many readers', async () => {
    const { caller } = await startDashboard(adapter);
    const readers = await Promise.all(Array.from({ length: 200 }, () => caller.follow()));
    await Promise.all(readers.map((reader) => reader.until('reset')));
    const refused = await caller.get('/api/feed');
    expect(refused.status).toBe(503);
    readers[0]?.leave();
    for (;;) {
      const reader = await caller.follow();
      if (reader.answer.response.statusCode === 200) break;
    }
  });

  it('listens to the registry only while somebody reads, and some time after', async () => {
    const { caller, registry } = await startDashboard(adapter);
    const listening = () => listenersOf(registry);
    expect(listening()).toBe(0);
    const reader = await caller.follow();
    const other = await caller.follow();
    expect(listening()).toBe(1);
    reader.leave();
    other.leave();
    await Promise.all([reader.answer.end(), other.answer.end()]);
    expect(listening()).toBe(1);
  });
});
