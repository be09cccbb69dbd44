import { describe, expect, it } from '@jest/globals';
import { type CanActivate, Controller, Get, Injectable, UseGuards } from '@nestjs/common';
import { Cancelable, NotCancelable, tryCurrentOperation } from 'nestjs-cancelable';
import { deferred, turn } from '../support/deferred.js';
import { adapters, type HttpApp, startHttpApp } from '../support/http-app.js';
import { send } from '../support/http-client.js';

/** Holds requests until a test lets them in. */
function createGuarded() {
  const arrived = deferred();
  const open = deferred();
  const bodies: string[] = [];

  class SlowGuard implements CanActivate {
    async canActivate() {
      arrived.resolve();
      await open.promise;
      return true;
    }
  }

  @Injectable()
  class Worker {
    @Cancelable()
    async work() {
      bodies.push('provider');
    }
  }

  @Controller()
  @UseGuards(SlowGuard)
  class GuardedController {
    constructor(private readonly worker: Worker) {}

    @Get('decorated')
    @Cancelable()
    async decorated() {
      bodies.push('decorated');
    }

    @Get('undecorated')
    async undecorated() {
      bodies.push('undecorated');
      await this.worker.work();
    }

    @Get('apart')
    @NotCancelable()
    async apart() {
      bodies.push(`apart ${tryCurrentOperation()?.token.isCanceled ?? 'no operation'}`);
      await this.worker.work();
    }
  }
  return { arrived, open, bodies, controllers: [GuardedController], providers: [Worker] };
}

async function leaveDuringGuards(
  { url, clientLeft }: HttpApp,
  path: string,
  { arrived, open }: ReturnType<typeof createGuarded>,
): Promise<void> {
  const request = send(`${url}/${path}`);
  await arrived.promise;
  request.destroy();
  await clientLeft();
  open.resolve();
  // The rest of the call needs no outside event, so a few turns of the event loop are all it takes.
  for (let count = 0; count < 20; count++) await turn();
}

describe.each(adapters)('a client that is gone before the handler, over %s', (adapter) => {
  it('does not run a decorated handler', async () => {
    const guarded = createGuarded();
    const app = await startHttpApp(adapter, guarded);

    await leaveDuringGuards(app, 'decorated', guarded);

    expect(guarded.bodies).toEqual([]);
    expect(app.registry.history()).toMatchObject([{ status: 'canceled', reason: 'disconnect' }]);
  });

  it('does not run the decorated methods that an undecorated handler calls', async () => {
    const guarded = createGuarded();
    const app = await startHttpApp(adapter, guarded);

    await leaveDuringGuards(app, 'undecorated', guarded);

    expect(guarded.bodies).toEqual(['undecorated']);
    expect(app.registry.history({ kind: 'http' })).toMatchObject([{ reason: 'disconnect' }]);
  });

  it('means nothing to a handler that is not cancelable', async () => {
    const guarded = createGuarded();
    const app = await startHttpApp(adapter, guarded);

    await leaveDuringGuards(app, 'apart', guarded);

    expect(guarded.bodies).toEqual(['apart false', 'provider']);
  });
});
