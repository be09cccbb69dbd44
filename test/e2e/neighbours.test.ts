import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Injectable, Param, Query, Sse } from '@nestjs/common';
import { Cancelable, currentToken, OperationRegistry, serverSentEvents } from 'nestjs-cancelable';
import { type Deferred, deferred, turn } from '../support/deferred.js';
import { adapters, startHttpApp } from '../support/http-app.js';
import { get, send } from '../support/http-client.js';

/** Two calls share a service-wide queue: the work of the second runs where the first one left off. */
function createQueue() {
  const entered = { first: deferred(), second: deferred(), later: deferred() };
  const queued: (() => void)[] = [];
  const gate: Deferred<void> = deferred();

  @Injectable()
  class WorkService {
    @Cancelable()
    async work(): Promise<void> {
      entered.second.resolve();
      await currentToken().sleep('1h');
    }

    @Cancelable({ exclusive: { key: () => 'same for all', onConflict: 'join' }, timeout: 300 })
    async shared(): Promise<void> {
      entered.first.resolve();
      await currentToken().sleep('1h');
    }
  }

  @Controller()
  class QueueController {
    constructor(
      private readonly service: WorkService,
      private readonly registry: OperationRegistry,
    ) {}

    @Get('first')
    @Cancelable()
    async first(): Promise<void> {
      entered.first.resolve();
      await gate.promise;
      for (const job of queued) job();
      await currentToken().sleep('1h');
    }

    @Get('second/:how')
    @Cancelable()
    async second(@Param('how') how: string): Promise<string> {
      return await this.queue(how);
    }

    @Get('plain')
    async plain(): Promise<string> {
      return await this.queue('plain');
    }

    @Sse('events')
    events() {
      const queue = () => this.queue('events');
      return serverSentEvents(
        (async function* () {
          yield { first: true };
          yield { then: await queue() };
        })(),
      );
    }

    @Get('shared')
    @Cancelable()
    async joins(@Query('who') _who: string): Promise<void> {
      await this.service.shared();
    }

    @Get('spawned')
    @Cancelable()
    async spawned(): Promise<void> {
      await this.registry.spawn({ name: 'import', timeout: 100 }, (own) => own.sleep('1h')).result;
    }

    private queue(how: string): Promise<string> {
      return new Promise((resolve, reject) => {
        queued.push(() => {
          this.service.work().then(() => resolve(how), reject);
        });
        entered.later.resolve();
      });
    }
  }
  return { entered, gate, controllers: [QueueController], providers: [WorkService] };
}

describe.each(adapters)('a client that leaves and its neighbours, over %s', (adapter) => {
  const start = async () => {
    const queue = createQueue();
    return { ...(await startHttpApp(adapter, queue)), ...queue };
  };

  it.each(['second/decorated', 'plain', 'events'])(
    'a call whose work ran in the context of another call is not a canceled call: %s',
    async (path) => {
      const { url, entered, gate, log } = await start();
      const leaving = send(`${url}/first`);
      await entered.first.promise;
      const staying = get(`${url}/${path}`);
      await entered.later.promise;
      gate.resolve();
      await entered.second.promise;
      leaving.destroy();
      const answer = await staying;

      expect(answer.text).not.toMatch(/OPERATION_|closed the request/);
      if (path !== 'events') {
        expect(answer.status).toBe(500);
        expect(answer.json()).toEqual({ statusCode: 500, message: 'Internal server error' });
      }
      const [hint, ...more] = log.find('warn', 'WorkService.work');
      expect(more).toEqual([]);
      expect(hint).toContain('GET /first');
      expect(hint).toContain('bind(');
    },
  );

  it('says so once per name', async () => {
    const { url, entered, gate, log, registry } = await start();
    const leaving = send(`${url}/first`);
    await entered.first.promise;
    const staying = [get(`${url}/second/one`), get(`${url}/second/two`)];
    while (registry.list().length < 3) await turn();
    gate.resolve();
    await entered.second.promise;
    leaving.destroy();
    const statuses = (await Promise.all(staying)).map(({ status }) => status);
    expect(statuses).toEqual([500, 500]);
    expect(log.find('warn', 'bind(')).toHaveLength(1);
  });

  it("a joined call's outcome is the caller's own: it asked for it", async () => {
    const { url, entered, log } = await start();
    const first = get(`${url}/shared?who=ann`);
    await entered.first.promise;
    const second = get(`${url}/shared?who=bob`);
    expect([(await first).status, (await second).status]).toEqual([504, 504]);
    expect(log.find('warn', 'bind(')).toEqual([]);
  });

  it('work that was spawned in the request and timed out is a part of it', async () => {
    const { url } = await start();
    expect(await get(`${url}/spawned`)).toMatchObject({ status: 504 });
  });
});
