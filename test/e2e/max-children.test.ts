import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Injectable, Param } from '@nestjs/common';
import { Cancelable, OperationRegistry } from 'nestjs-cancelable';
import { deferred } from '../support/deferred.js';
import { adapters, startHttpApp } from '../support/http-app.js';
import { get } from '../support/http-client.js';

function createGreedy() {
  const gate = deferred();
  const greedy = deferred();

  @Injectable()
  class WorkService {
    @Cancelable()
    async work() {
      await gate.promise;
    }

    @Cancelable()
    async quick() {}
  }

  @Controller()
  class GreedyController {
    constructor(
      private readonly service: WorkService,
      private readonly registry: OperationRegistry,
    ) {}

    @Get('greedy/:how')
    async greedy(@Param('how') how: string) {
      const begin = () =>
        how === 'spawns'
          ? this.registry.spawn('work', () => gate.promise).result
          : this.service.work();
      const all = Array.from({ length: 50 }, begin);
      greedy.resolve();
      await Promise.all(all);
    }

    @Get('modest')
    async modest() {
      for (let call = 0; call < 50; call++) await this.service.quick();
      return 'served';
    }
  }
  return { gate, greedy, controllers: [GreedyController], providers: [WorkService] };
}

describe.each(adapters)('maxChildren over %s', (adapter) => {
  it.each([
    ['calls', 40],
    ['spawns', 1],
  ])('sends away the request that takes too much, and no other: %s', async (how, refused) => {
    const { gate, ...greedy } = createGreedy();
    const { url, registry, log } = await startHttpApp(adapter, {
      ...greedy,
      cancelable: { maxChildren: 10, maxLive: 20 },
    });
    const answer = await get(`${url}/greedy/${how}`);
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toBe('1');
    expect(answer.json()).toMatchObject({
      code: 'OPERATION_LIMIT',
      message: 'The server is busy',
    });
    expect(await get(`${url}/modest`)).toMatchObject({ status: 200, text: 'served' });
    gate.resolve();
    await registry.whenIdle();
    expect(registry.statistics().refused).toBe(refused);
    expect(log.find('error')).toEqual([]);
  });

  it('counts what is live: one after the other there may be more', async () => {
    const { url } = await startHttpApp(adapter, {
      ...createGreedy(),
      cancelable: { maxChildren: 1 },
    });
    expect(await get(`${url}/modest`)).toMatchObject({ status: 200 });
  });
});
