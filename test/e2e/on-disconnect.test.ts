import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Sse } from '@nestjs/common';
import {
  Cancelable,
  CancelationToken,
  CancelToken,
  type HttpOptions,
  NotCancelable,
} from 'nestjs-cancelable';
import { Observable } from 'rxjs';
import { deferred, turn } from '../support/deferred.js';
import { adapters, startHttpApp } from '../support/http-app.js';
import { OpenAnswer, send } from '../support/http-client.js';

/** Whether the route's token is canceled once the server has heard that its client left. */
async function isCanceledByLeaving(
  adapter: (typeof adapters)[number],
  path: string,
  http: HttpOptions,
): Promise<boolean> {
  const entered = deferred<CancelationToken>();
  const gate = deferred();
  const handle = async (token: CancelationToken) => {
    entered.resolve(token);
    await gate.promise;
  };

  @Controller()
  class RoutesController {
    @Get('silent')
    @Cancelable()
    silent(@CancelToken() token: CancelationToken) {
      return handle(token);
    }

    @Get('ignores')
    @Cancelable({ onDisconnect: 'ignore' })
    ignores(@CancelToken() token: CancelationToken) {
      return handle(token);
    }

    @Get('cancels')
    @Cancelable({ onDisconnect: 'cancel' })
    cancels(@CancelToken() token: CancelationToken) {
      return handle(token);
    }

    @Get('excluded')
    @NotCancelable()
    excluded(@CancelToken() token: CancelationToken) {
      return handle(token);
    }

    @Get('undecorated')
    undecorated(@CancelToken() token: CancelationToken) {
      return handle(token);
    }
  }
  const { url, registry, clientLeft } = await startHttpApp(adapter, {
    controllers: [RoutesController],
    cancelable: { http },
  });
  const request = send(`${url}/${path}`);
  const token = await entered.promise;
  request.destroy();
  await clientLeft();
  await turn();
  const { isCanceled } = token;
  gate.resolve();
  await registry.whenIdle();
  return isCanceled;
}

describe.each(adapters)('onDisconnect, over %s', (adapter) => {
  it.each([
    ['silent', {}, true],
    ['undecorated', {}, true],
    ['ignores', {}, false],
    ['excluded', {}, false],
    ['silent', { onDisconnect: 'ignore' }, false],
    ['undecorated', { onDisconnect: 'ignore' }, false],
    ['cancels', { onDisconnect: 'ignore' }, true],
  ] as const)('route %s, module %j: canceled is %s', async (path, http, expected) => {
    expect(await isCanceledByLeaving(adapter, path, http)).toBe(expected);
  });
});

/** Handlers whose result goes on after they have returned. */
function createWork() {
  const begun = deferred();
  const gate = deferred();
  const work = { isDone: false, isTornDown: false };
  const observable = () =>
    new Observable<unknown>((subscriber) => {
      begun.resolve();
      void gate.promise.then(() => {
        work.isDone = !work.isTornDown;
        subscriber.next({ data: 'done' });
        subscriber.complete();
      });
      return () => {
        work.isTornDown = true;
      };
    });
  const iterable = async function* () {
    try {
      yield 'begun';
      begun.resolve();
      await gate.promise;
      yield 'more';
      work.isDone = true;
    } finally {
      work.isTornDown = true;
    }
  };

  @Controller()
  class WorkController {
    @Get('observable/ignores')
    @Cancelable({ onDisconnect: 'ignore' })
    observableIgnores(): Observable<unknown> {
      return observable();
    }

    @Get('observable/excluded')
    @NotCancelable()
    observableExcluded() {
      return observable();
    }

    @Get('observable/silent')
    observableSilent() {
      return observable();
    }

    @Get('iterable/ignores')
    @Cancelable({ onDisconnect: 'ignore' })
    iterableIgnores() {
      return iterable();
    }

    @Get('iterable/excluded')
    @NotCancelable()
    async iterableExcluded() {
      return iterable();
    }

    @Get('iterable/promised')
    @Cancelable({ onDisconnect: 'ignore' })
    async iterablePromised() {
      return iterable();
    }

    @Sse('events/ignores')
    @Cancelable({ onDisconnect: 'ignore' })
    eventsIgnores(): Observable<{ data: string }> {
      return observable() as Observable<{ data: string }>;
    }

    @Sse('events/excluded')
    @NotCancelable()
    eventsExcluded(): Observable<{ data: string }> {
      return observable() as Observable<{ data: string }>;
    }
  }
  return { begun, gate, work, controllers: [WorkController] };
}

describe.each(adapters)('work that outlives its client, over %s', (adapter) => {
  it.each([
    ['observable/ignores', {}, true],
    ['observable/excluded', {}, true],
    ['observable/silent', { onDisconnect: 'ignore' }, true],
    ['observable/silent', {}, false],
    ['iterable/ignores', {}, true],
    ['iterable/promised', {}, true],
    ['iterable/excluded', {}, true],
    ['events/ignores', {}, true],
    ['events/excluded', { onDisconnect: 'ignore' }, false],
  ] as const)('%s, module %j: goes on to its end is %s', async (path, http, expected) => {
    const { begun, gate, work, controllers } = createWork();
    const { url, registry, clientLeft } = await startHttpApp(adapter, {
      controllers,
      cancelable: { http },
    });
    const request = send(`${url}/${path}`);
    if (path.startsWith('iterable')) await (await OpenAnswer.of(request)).until('begun');
    await begun.promise;
    request.destroy();
    await clientLeft();
    await turn();
    gate.resolve();
    await turn();
    await registry.whenIdle();
    await turn();
    expect(work.isDone).toBe(expected);
    const reasons = registry.history().map(({ reason }) => reason);
    expect(reasons.filter((reason) => expected && reason !== undefined)).toEqual([]);
  });
});
