import { describe, expect, it } from '@jest/globals';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Cancelable, CancelableModule, OnOperation } from 'nestjs-cancelable';
import { rejection, thrown } from '../support/deferred.js';

/** What keeps an application with these options from starting. */
async function startError(options: unknown, ...providers: any[]): Promise<Error> {
  @Module({ imports: [CancelableModule.forRoot(options as never)], providers })
  class AppModule {}
  return rejection(
    NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false }),
  );
}

describe('options of the module that are not valid stop the start-up', () => {
  it.each([
    [{ defaultTimeout: '5 parsecs' }, ['defaultTimeout', "'5 parsecs'"]],
    [{ defaultTimeout: -1 }, ['defaultTimeout', '-1']],
    [{ defaultTimeout: NaN }, ['defaultTimeout', 'NaN']],
    [{ defaultTimeout: Infinity }, ['defaultTimeout', 'Infinity']],
    [{ defaultTimeout: 0 }, ['defaultTimeout', '0']],
    [{ defaultTimeout: '30' }, ['defaultTimeout', "'30'", 'unit']],
    [{ defaultTimeout: '2y' }, ['defaultTimeout', "'2y'", 'year']],
    [{ defaultTimeOut: '30s' }, ["there is no option 'defaultTimeOut'", "'defaultTimeout'"]],
    [{ http: { onDisconect: 'cancel' } }, ["there is no option 'onDisconect'", "'onDisconnect'"]],
    [{ http: { onDisconnect: 'abort' } }, ["'abort'", "'cancel', 'ignore'"]],
    [{ http: { statusCodes: { late: 504 } } }, ["'late'", "'timeout'"]],
    [{ http: { statusCodes: { timeout: 200 } } }, ['statusCodes.timeout', '200', '400 to 599']],
    [{ http: { idHeader: 'X Operation' } }, ['idHeader', "'X Operation'", 'name of a header']],
    [
      { http: { deadlines: 'x-timeout' } },
      ['deadlines', "'x-timeout'", 'an array of header names'],
    ],
    [{ http: { deadlines: ['a b'] } }, ['deadlines', "'a b'", 'the names of headers']],
    [{ policies: { slow: { timeout: 'forever' } } }, ['policies.slow', "'forever'"]],
    [{ policies: { slow: { retries: 3 } } }, ['policies.slow', "there is no option 'retries'"]],
    [{ policies: [] }, ['policies', 'an object of options by name']],
    [{ request: {} }, ['request', 'a function']],
    [{ policies: { slow: { policy: 'other' } } }, ['policies.slow.policy', 'no policy inside']],
    [{ history: { limit: -1 } }, ['forRoot(): history: limit: -1 is']],
    [{ zombies: { after: 'soon' } }, ["forRoot(): zombies: after: 'soon' is"]],
    [{ maxLive: 1.5 }, ['forRoot(): maxLive: 1.5 is']],
    [{ extensions: {} }, ['extensions', 'an array of extensions']],
    [{ extensions: [{ name: '' }] }, ['extensions[0].name']],
    [{ extensions: [{ name: 'x' }] }, ['extensions[0].install', 'a function']],
    ['30s', ['CancelableModule.forRoot()', 'an options object']],
  ])('%j', async (options, parts) => {
    const error = await startError(options);

    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain('CancelableModule.forRoot()');
    for (const part of parts) expect(error.message).toContain(part);
  });
});

describe('options of decorators that are not valid', () => {
  it.each([
    ['5 parsecs', "'5 parsecs'"],
    [-1, '-1'],
    [NaN, 'NaN'],
    [0, 'false'],
    ['30', 'unit'],
    [{ timeOut: '5s' }, "there is no option 'timeOut'"],
    [{ timeout: null }, 'null'],
    [{ deadline: new Date(NaN) }, 'a valid Date'],
    [{ tags: 'slow' }, 'an array of strings'],
    [{ metadata: 'ada' }, 'a plain object'],
    [{ id: '' }, 'not empty'],
    [{ name: 7 }, 'not empty'],
    [{ settle: 'now' }, "'race', 'wait'"],
    [{ detached: 'yes' }, 'true or false'],
    [{ onShutdown: 'stop' }, "'drain', 'cancel', 'ignore'"],
    [{ onDisconnect: 'stop' }, "'cancel', 'ignore'"],
    [{ on: { end: () => {} } }, "'settled'"],
    [{ policy: '' }, 'not empty'],
  ])('%j is refused when the class is defined', (options, part) => {
    const error = thrown(() => {
      class ReportsController {
        @Cancelable(options as never)
        async build() {}
      }
      return ReportsController;
    }) as Error;

    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain('@Cancelable() on ReportsController.build');
    expect(error.message).toContain(part);
  });

  it('a class decorator is checked too', () => {
    const error = thrown(() => {
      @Cancelable('5 parsecs')
      class Reports {}
      return Reports;
    }) as Error;

    expect(error.message).toContain('@Cancelable() on Reports');
  });

  it('the decorator on an accessor, or twice, is refused with a hint', () => {
    expect(
      thrown(() => {
        class Reports {
          @(Cancelable() as any)
          get size() {
            return 1;
          }
        }
        return Reports;
      }).message,
    ).toBe('@Cancelable() on Reports.size: it belongs on a method or a class.');
    expect(
      thrown(() => {
        class Reports {
          @Cancelable('1s')
          @Cancelable('2s')
          async build() {}
        }
        return Reports;
      }).message,
    ).toBe('@Cancelable() on Reports.build: it is there twice. Merge the options into one.');
  });

  it('an unknown policy stops the start-up', async () => {
    @Injectable()
    class Reports {
      @Cancelable({ policy: 'quick' })
      async build() {}
    }
    const error = await startError({ policies: { slow: {}, fast: {} } }, Reports);

    expect(error.message).toBe(
      "@Cancelable() on Reports.build: there is no policy 'quick'. Allowed: 'slow', 'fast'. " +
        'Define it in CancelableModule.forRoot({ policies }).',
    );
  });

  it('an unknown policy of a class stops it too', async () => {
    @Injectable()
    @Cancelable({ policy: 'quick' })
    class Reports {
      @Cancelable()
      async build() {}
    }

    expect((await startError({}, Reports)).message).toContain("there is no policy 'quick'");
  });

  it('@OnOperation refuses an unknown event at once, and a bad filter at start-up', async () => {
    expect(thrown(() => OnOperation('ended' as never)).message).toContain("'started', 'progress'");

    @Injectable()
    class Audit {
      @OnOperation('canceled', { reson: 'timeout' } as never)
      listen() {}
    }
    expect((await startError({}, Audit)).message).toContain('reson');
  });
});
