import { runInThisContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Param } from '@nestjs/common';
import { Cancelable, CancelationToken, CancelToken } from 'nestjs-cancelable';
import { deferred, turn } from '../support/deferred.js';
import { adapters, startHttpApp } from '../support/http-app.js';
import { RawClient } from '../support/http-client.js';

const REQUESTS = 14;

/** jest hands out a copy of `process`, which hears of no warning. */
const host = runInThisContext('process') as NodeJS.Process;
let warnings: Error[];
const listener = (warning: Error) => {
  if (warning.name !== 'ExperimentalWarning') warnings.push(warning);
};

beforeEach(() => {
  warnings = [];
  host.on('warning', listener);
});
afterEach(() => {
  host.off('warning', listener);
});

function createController(wait: (token: CancelationToken, number: number) => unknown) {
  @Controller()
  class PipelinedController {
    @Get('item/:number')
    @Cancelable()
    async item(@Param('number') number: string, @CancelToken() token: CancelationToken) {
      await wait(token, Number(number));
      return { number };
    }
  }
  return [PipelinedController];
}

const pipelined = Array.from(
  { length: REQUESTS },
  (_, number) => `GET /item/${number} HTTP/1.1\r\nHost: x\r\n\r\n`,
).join('');

const numbersIn = (text: string): number[] =>
  [...text.matchAll(/"number":"(\d+)"/g)].map(([, number]) => Number(number));

describe.each(adapters)(`${REQUESTS} pipelined requests, over %s`, (adapter) => {
  it('are all canceled when the client leaves', async () => {
    const { port, registry, collect } = await startHttpApp(adapter, {
      controllers: createController((token) => token.sleep('1h')),
    });
    const started = collect('started', REQUESTS);
    const settled = collect('settled', REQUESTS);
    const client = await RawClient.connect(port);
    client.write(pipelined);
    await started;

    client.leave();

    expect((await settled).map(({ reason }) => reason)).toEqual(Array(REQUESTS).fill('disconnect'));
    expect(registry.list()).toEqual([]);
    await turn();
    expect(warnings).toEqual([]);
  });

  it('are answered in their order, whichever ends first', async () => {
    const gates = Array.from({ length: REQUESTS }, () => deferred());
    const { port, collect, registry } = await startHttpApp(adapter, {
      controllers: createController((_token, number) => gates[number]!.promise),
    });
    const started = collect('started', REQUESTS);
    const client = await RawClient.connect(port);
    client.write(pipelined);
    await started;

    for (const gate of gates.toReversed()) gate.resolve();
    await client.until('"number"', REQUESTS);

    expect(numbersIn(client.received)).toEqual([...gates.keys()]);
    expect(registry.history().map(({ status }) => status)).toEqual(
      Array(REQUESTS).fill('completed'),
    );
    await turn();
    expect(warnings).toEqual([]);
  });

  it('are canceled from the first unanswered one on', async () => {
    const answered = 5;
    const { port, collect, registry } = await startHttpApp(adapter, {
      controllers: createController((token, number) => number >= answered && token.sleep('1h')),
    });
    const started = collect('started', REQUESTS);
    const settled = collect('settled', REQUESTS);
    const client = await RawClient.connect(port);
    client.write(pipelined);
    await started;
    await client.until('"number"', answered);

    client.leave();

    await settled;
    expect(registry.history({ status: 'completed' })).toHaveLength(answered);
    expect(registry.history({ reason: 'disconnect' })).toHaveLength(REQUESTS - answered);
  });
});
