import { describe, expect, it } from '@jest/globals';
import { Controller, Get } from '@nestjs/common';
import {
  Cancelable,
  CancelationToken,
  CancelToken,
  type HttpOptions,
  NotCancelable,
} from 'nestjs-cancelable';
import { deferred, turn } from '../support/deferred.js';
import { adapters, startHttpApp } from '../support/http-app.js';
import { send } from '../support/http-client.js';

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
