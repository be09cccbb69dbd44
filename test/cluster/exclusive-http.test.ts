import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Param } from '@nestjs/common';
import { Cancelable } from 'nestjs-cancelable';
import { type Deferred, deferred } from '../support/deferred.js';
import { type Adapter, adapters, startHttpApp } from '../support/http-app.js';
import { get, send } from '../support/http-client.js';
import { until } from '../support/open-bus.js';
import { clusterOptions, keysOf, ScriptedLeases } from './exclusive-cluster.js';

/** Each call of a handler waits for its own gate. */
let gates: Deferred<void>[] = [];

const byUser = (onConflict: 'cancel-previous' | 'reject' | 'skip') =>
  ({ key: (user: string) => user, onConflict, scope: 'cluster' }) as const;

async function answer() {
  const gate = deferred();
  gates.push(gate);
  await gate.promise;
  return { text: 'done' };
}

@Controller()
class ExclusiveController {
  @Get('search/:user')
  @Cancelable({ exclusive: byUser('cancel-previous') })
  search(@Param('user') _user: string) {
    return answer();
  }

  @Get('order/:user')
  @Cancelable({ exclusive: byUser('reject') })
  order(@Param('user') _user: string) {
    return answer();
  }

  @Get('refresh/:user')
  @Cancelable({ exclusive: byUser('skip') })
  refresh(@Param('user') _user: string) {
    return answer();
  }

  @Get('nightly')
  @Cancelable({ exclusive: { onConflict: 'reject', scope: 'cluster' } })
  nightly() {
    return answer();
  }
}

async function startTwo(adapter: Adapter, leases?: ScriptedLeases) {
  gates = [];
  const optionsOf = clusterOptions(leases);
  const start = async (name: string) => {
    const cancelable = optionsOf(name);
    const app = await startHttpApp(adapter, { controllers: [ExclusiveController], cancelable });
    return { ...app, keys: keysOf(app.registry) };
  };
  return { one: await start('one'), two: await start('two') };
}

const running = (count: number) => until(() => gates.length === count);

describe.each(adapters)('handlers that are exclusive over all instances, on %s', (adapter) => {
  it.each(['order/ann', 'nightly'])('reject: %s is a conflict in the other', async (path) => {
    const { one, two } = await startTwo(adapter);
    const first = get(`${one.url}/${path}`);
    await running(1);
    const second = await get(`${two.url}/${path}`);
    expect(second.status).toBe(409);
    expect(second.json()).toEqual({
      statusCode: 409,
      code: 'OPERATION_CONFLICT',
      message: 'The operation is already running',
    });
    gates[0]?.resolve();
    expect((await first).json()).toEqual({ text: 'done' });
    await one.registry.whenIdle();
    await one.keys.close();
    const third = get(`${two.url}/${path}`);
    await running(2);
    gates[1]?.resolve();
    expect((await third).json()).toEqual({ text: 'done' });
  });

  it('cancel-previous: the client of the other is answered 409', async () => {
    const { one, two } = await startTwo(adapter);
    const first = get(`${one.url}/search/ann`);
    await running(1);
    const other = get(`${one.url}/search/bob`);
    await running(2);
    const second = get(`${two.url}/search/ann`);
    const dropped = await first;
    expect(dropped.status).toBe(409);
    expect(dropped.json()).toMatchObject({ code: 'OPERATION_SUPERSEDED' });
    await running(3);
    for (const gate of gates) gate.resolve();
    expect((await second).json()).toEqual({ text: 'done' });
    expect((await other).json()).toEqual({ text: 'done' });
  });

  it('skip: the answer is empty', async () => {
    const { one, two } = await startTwo(adapter);
    const first = get(`${one.url}/refresh/ann`);
    await running(1);
    expect(await get(`${two.url}/refresh/ann`)).toMatchObject({ status: 200, text: '' });
    expect(gates).toHaveLength(1);
    gates[0]?.resolve();
    expect((await first).json()).toEqual({ text: 'done' });
  });

  it('answers 503 while nobody can tell who has the key', async () => {
    const leases = new ScriptedLeases();
    leases.failure = new Error('secret address');
    const { one } = await startTwo(adapter, leases);
    const refused = await get(`${one.url}/order/ann`);
    expect(refused.status).toBe(503);
    expect(refused.json()).toEqual({
      statusCode: 503,
      code: 'CLUSTER_UNAVAILABLE',
      message: 'The operation cannot begin at the moment',
    });
    expect(gates).toEqual([]);
  });

  it('lets go of a client that leaves while it waits for the key', async () => {
    const leases = new ScriptedLeases();
    const { one } = await startTwo(adapter, leases);
    leases.gate = deferred();
    const settled = one.next('settled');
    const request = send(`${one.url}/order/ann`);
    await until(() => leases.asked.length === 1);
    request.destroy();
    expect(await settled).toMatchObject({ status: 'canceled', reason: 'disconnect' });
    leases.gate.resolve();
    await one.keys.close();
    expect(leases.holders.size).toBe(0);
    expect(gates).toEqual([]);
  });
});
