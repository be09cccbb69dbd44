import { describe, expect, it } from '@jest/globals';
import { Controller, Get } from '@nestjs/common';
import {
  Cancelable,
  type CancelableModuleOptions,
  currentOperation,
  NotCancelable,
} from 'nestjs-cancelable';
import { CallerDeadlines } from '../../lib/transports/http/caller-deadline.js';
import { deferred } from '../support/deferred.js';
import { adapters, startHttpApp } from '../support/http-app.js';
import { get } from '../support/http-client.js';

const DEADLINES = [
  'X-Request-Timeout-Ms',
  'grpc-timeout',
  'connect-timeout-ms',
  'x-envoy-expected-rq-timeout-ms',
];
let stopped = deferred<string>();

const left = () => ({ left: currentOperation().token.remaining() });
const wait = async (): Promise<string> => {
  currentOperation().onCancel(({ reason }) => stopped.resolve(reason));
  await currentOperation().sleep('1h');
  return 'late';
};

@Controller()
class Reports {
  @Get('decorated')
  @Cancelable('10s')
  async decorated() {
    return left();
  }

  @Get('undecorated')
  async undecorated() {
    return left();
  }

  @Get('waits')
  @Cancelable('1h')
  async waits() {
    return wait();
  }

  @Get('waits-undecorated')
  async waitsUndecorated() {
    return wait();
  }

  @Get('computed')
  @Cancelable({ timeout: () => '20s' })
  async computed() {
    return left();
  }

  @Get('goes-on')
  @Cancelable({ onDisconnect: 'ignore' })
  async goesOn() {
    return { deadline: currentOperation().token.deadline ?? null };
  }

  @Get('excluded')
  @NotCancelable()
  async excluded() {
    return 'served';
  }
}

describe.each(adapters)('deadlines that callers send, over %s', (adapter) => {
  const start = (http: CancelableModuleOptions['http'] = { deadlines: DEADLINES }) =>
    startHttpApp(adapter, { controllers: [Reports], cancelable: { http } });
  const leftOf = async (url: string, headers: Record<string, string>) =>
    ((await get(url, { headers })).json() as { left: number }).left;

  it.each([
    ['x-request-timeout-ms', '2000', 2_000],
    ['grpc-timeout', '3S', 3_000],
    ['grpc-timeout', '2500000u', 2_500],
    ['connect-timeout-ms', '4000', 4_000],
    ['x-envoy-expected-rq-timeout-ms', '5000', 5_000],
  ])('%s: %s shortens what the operation has', async (name, value, expected) => {
    const { url } = await start();
    for (const path of ['decorated', 'undecorated', 'computed']) {
      const found = await leftOf(`${url}/${path}`, { [name]: value });
      expect(found).toBeLessThanOrEqual(expected);
      expect(found).toBeGreaterThan(expected - 1_900);
    }
  });

  it('never lengthen it, and the smallest holds', async () => {
    const { url } = await start();
    const long = await leftOf(`${url}/decorated`, { 'x-request-timeout-ms': '60000' });
    expect(long).toBeLessThanOrEqual(10_000);
    const headers = { 'x-request-timeout-ms': '9000', 'grpc-timeout': '8S' };
    expect(await leftOf(`${url}/decorated`, headers)).toBeLessThanOrEqual(8_000);
  });

  it.each(['waits', 'waits-undecorated'])('%s: stops, and is answered 504', async (path) => {
    const { url } = await start();
    stopped = deferred();
    const answer = await get(`${url}/${path}`, { headers: { 'x-request-timeout-ms': '50' } });
    expect(answer.status).toBe(504);
    expect(answer.json()).toMatchObject({ code: 'OPERATION_TIMEOUT' });
    expect(await stopped.promise).toBe('timeout');
  });

  it('0 is over already: the handler does not run', async () => {
    const { url } = await start();
    const answer = await get(`${url}/decorated`, { headers: { 'x-request-timeout-ms': '0' } });
    expect(answer.status).toBe(504);
  });

  it('are ignored and counted where they make no sense', async () => {
    const { url, registry } = await start();
    const garbage = ['-1', '+5', '1e3', '5, 6', '1.5', '99999999999', ' ', '0x10', '5S', 'soon'];
    for (const value of garbage) {
      const found = await leftOf(`${url}/decorated`, { 'x-request-timeout-ms': value });
      expect(found).toBeGreaterThan(8_000);
    }
    expect(registry.statistics().ignoredDeadlines).toBe(garbage.length);
  });

  it('mean nothing to work that outlives its caller, or is not cancelable', async () => {
    const { url } = await start();
    const headers = { 'x-request-timeout-ms': '0' };
    expect((await get(`${url}/goes-on`, { headers })).json()).toEqual({ deadline: null });
    expect((await get(`${url}/excluded`, { headers })).text).toBe('served');
  });

  it('mean nothing by default', async () => {
    const { url } = await start({});
    const found = await leftOf(`${url}/decorated`, { 'x-request-timeout-ms': '5' });
    expect(found).toBeGreaterThan(8_000);
  });
});

describe('a million values of a deadline header', () => {
  it('never crash, never give a longer time than they say, and are over at once only at 0', () => {
    const deadlines = new CallerDeadlines(['x-request-timeout-ms', 'grpc-timeout']);
    const alphabet = '0123456789HMSmun+-.eE, \tx';
    let seed = 1;
    const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
    let valid = 0;
    for (let count = 0; count < 1_000_000; count++) {
      const digits = random(3) > 0;
      let value = '';
      for (let length = random(12); length > 0; length--)
        value += alphabet[random(digits ? 10 : 25)];
      if (random(4) === 0) value += 'HMSmun'[random(6)];
      const name = count % 2 === 0 ? 'grpc-timeout' : 'x-request-timeout-ms';
      let wasIgnored = false;
      const found = deadlines.remaining({ [name]: value }, () => (wasIgnored = true));
      if (wasIgnored) {
        if (found !== Infinity) throw new Error(`${name}: ${value} gives ${found}`);
        continue;
      }
      valid++;
      const number = Number.parseInt(value, 10);
      const unit =
        { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 }[value.at(-1)!] ?? 1;
      const isRight = found >= 0 && found < number * unit + 1 && (found === 0) === (number === 0);
      if (!isRight) throw new Error(`${name}: ${value} gives ${found}`);
    }
    expect(valid).toBeGreaterThan(10_000);
  });
});
