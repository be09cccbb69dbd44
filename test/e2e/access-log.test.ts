import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { Controller, Get } from '@nestjs/common';
import { Cancelable } from 'nestjs-cancelable';
import { deferred } from '../support/deferred.js';
import { adapters, startHttpApp } from '../support/http-app.js';
import { send } from '../support/http-client.js';

describe.each(adapters)('an access log over %s', (adapter) => {
  it.each([
    [undefined, 499],
    [{ disconnect: 460 }, 460],
  ])('shows a client that left, with the codes %j: %d', async (statusCodes, expected) => {
    const entered = deferred();
    const logged = deferred<number>();

    @Controller()
    class WaitingController {
      @Get('waits')
      @Cancelable()
      waits(): Promise<void> {
        entered.resolve();
        return new Promise(() => {});
      }
    }
    const { url } = await startHttpApp(adapter, {
      controllers: [WaitingController],
      cancelable: { http: statusCodes === undefined ? {} : { statusCodes } },
      configure: (app) =>
        app.use((_request: IncomingMessage, response: ServerResponse, next: () => void) => {
          response.once('close', () => logged.resolve(response.statusCode));
          next();
        }),
    });
    const request = send(`${url}/waits`);
    await entered.promise;
    request.destroy();
    expect(await logged.promise).toBe(expected);
  });
});
