import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Headers, Injectable, Query } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  Cancelable,
  CancelableModule,
  type CancelableModuleOptions,
  currentOperation,
  OperationRegistry,
  ParseDurationPipe,
} from 'nestjs-cancelable';
import { rejection, thrown } from '../support/deferred.js';
import { adapters, startHttpApp } from '../support/http-app.js';
import { get } from '../support/http-client.js';
import { MemoryLog } from '../support/memory-log.js';

const left = () => ({ left: currentOperation().token.remaining() });
const optional = new ParseDurationPipe({ min: '1s', max: '2m', optional: true });

@Controller()
class Reports {
  @Get('piped')
  @Cancelable({ timeout: (wait?: number) => wait ?? '10s' })
  async piped(@Query('wait', optional) _wait?: number) {
    return left();
  }

  @Get('required')
  @Cancelable({ timeout: (wait: number) => wait })
  async required(@Query('wait', ParseDurationPipe) _wait: number) {
    return left();
  }

  @Get('computed')
  @Cancelable({ timeout: (wait: string) => wait })
  async computed(@Headers('x-wait') _wait: string) {
    return left();
  }

  @Get('until')
  @Cancelable({ deadline: (until: string) => new Date(until) })
  async until(@Query('until') _until: string) {
    return left();
  }

  @Get('asked')
  async asked() {
    return left();
  }

  @Get('endless')
  @Cancelable({ timeout: () => false as const })
  async endless() {
    return { deadline: currentOperation().token.deadline ?? null };
  }
}

describe.each(adapters)('timeouts that clients ask for, over %s', (adapter) => {
  const start = (cancelable: CancelableModuleOptions = {}) =>
    startHttpApp(adapter, { controllers: [Reports], cancelable });

  it('a pipe reads them', async () => {
    const { url } = await start();

    const { left: asked } = (await get(`${url}/piped?wait=1m`)).json();
    expect(asked).toBeGreaterThan(50_000);
    expect(asked).toBeLessThanOrEqual(60_000);
    const { left: none } = (await get(`${url}/piped`)).json();
    expect(none).toBeLessThanOrEqual(10_000);
  });

  it.each([
    ['piped?wait=soon', "a duration is expected, at least 1s, at most 2m: '30s', '5m'"],
    ['piped?wait=30', 'a duration is expected'],
    ['piped?wait=', 'a duration is expected'],
    ['piped?wait=-1s', 'a duration is expected'],
    ['piped?wait=3m', 'at most 2m'],
    ['piped?wait=10ms', 'at least 1s'],
    ['piped?wait=1s&wait=2s', 'a duration is expected'],
    ['required', "a duration is expected: '30s', '5m'"],
  ])('%s is answered with 400, which says what is expected', async (path, text) => {
    const { url, log } = await start();

    const answer = await get(`${url}/${path}`);

    expect(answer.status).toBe(400);
    expect(answer.json().message).toContain(text);
    expect(log.find('error')).toEqual([]);
  });

  it('maxTimeout cuts what functions ask for, and says so once per name', async () => {
    const { url, log } = await start({ maxTimeout: '5s' });

    for (const wait of ['1h', '2h', '1s']) {
      const answer = await get(`${url}/computed`, { headers: { 'x-wait': wait } });
      expect(answer.json().left).toBeLessThanOrEqual(wait === '1s' ? 1_000 : 5_000);
    }
    const until = new Date(Date.now() + 3_600_000).toISOString();
    expect((await get(`${url}/until?until=${until}`)).json().left).toBeLessThanOrEqual(5_000);
    expect((await get(`${url}/endless`)).json()).toEqual({ deadline: null });

    const warnings = log.find('warn', 'maxTimeout');
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('GET /computed was to have 1h, and has 5s: maxTimeout.');
  });

  it('maxTimeout cuts what the request option says', async () => {
    const { url } = await start({ maxTimeout: '5s', request: () => ({ timeout: '1h' }) });

    expect((await get(`${url}/asked`)).json().left).toBeLessThanOrEqual(5_000);
  });
});

describe('maxTimeout', () => {
  it('cuts what run() and extend() ask for', async () => {
    const logger = new MemoryLog();
    const registry = new OperationRegistry({ maxTimeout: '5s', logger });

    await registry.run({ name: 'import', timeout: '1h' }, (operation) => {
      expect(operation.token.remaining()).toBeLessThanOrEqual(5_000);
      operation.extend('1h');
      expect(operation.token.remaining()).toBeLessThanOrEqual(5_000);
    });
    await registry.run('free', ({ token }) => expect(token.remaining()).toBe(Infinity));

    expect(logger.warnings).toEqual([
      'import was to have 1h, and has 5s: maxTimeout. This is said once.',
    ]);
  });

  @Injectable()
  class Slow {
    @Cancelable('10m')
    async run() {}
  }

  it.each([
    [{ maxTimeout: '5s', defaultTimeout: '10s' }, 'forRoot(): defaultTimeout: 10s is above'],
    [{ maxTimeout: '5s', policies: { slow: { timeout: '1h' } } }, 'policies.slow: timeout: 1h is'],
    [{ maxTimeout: '5s' }, '@Cancelable() on Slow.run: timeout: 10m is above maxTimeout'],
    [{ maxTimeout: 'soon' }, "maxTimeout: 'soon' is not a valid duration"],
  ])('%j stops the start-up where the code asks for more', async (options, text) => {
    class AppModule {}
    const module = {
      module: AppModule,
      imports: [CancelableModule.forRoot(options)],
      providers: [Slow],
    };
    const started = NestFactory.createApplicationContext(module, {
      logger: false,
      abortOnError: false,
    });

    expect((await rejection(started)).message).toContain(text);
  });

  it('the pipe refuses options that are not possible', () => {
    expect(thrown(() => new ParseDurationPipe({ max: 'soon' })).message).toContain(
      "new ParseDurationPipe(): max: 'soon'",
    );
    expect(thrown(() => new ParseDurationPipe({ most: '1m' } as never)).message).toContain(
      "there is no option 'most'",
    );
  });
});
