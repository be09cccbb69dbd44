import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Param, ParseIntPipe, Query, Res } from '@nestjs/common';
import {
  Cancelable,
  CancelationToken,
  CancelToken,
  currentOperation,
  NotCancelable,
  tryCurrentOperation,
} from 'nestjs-cancelable';
import { deferred } from '../support/deferred.js';
import { adapters, startHttpApp } from '../support/http-app.js';
import { get, OpenAnswer, send } from '../support/http-client.js';

const never = (): Promise<never> => new Promise(() => {});
const TIMED_OUT = {
  statusCode: 504,
  message: 'The operation timed out',
  code: 'OPERATION_TIMEOUT',
};

@Controller('fixed')
class FixedController {
  @Get('short')
  @Cancelable(200)
  short() {
    return never();
  }

  @Get('none')
  @Cancelable({ timeout: false })
  async none() {
    return { deadline: currentOperation().token.deadline ?? null };
  }

  @Get('blocking')
  @Cancelable(20)
  async blocking() {
    const end = performance.now() + 40;
    while (performance.now() < end);
    return 'late';
  }

  @Get('bare')
  @Cancelable()
  bare() {
    return never();
  }

  @Get('undecorated')
  undecorated() {
    return never();
  }

  @Get('excluded')
  @NotCancelable()
  async excluded() {
    return { operation: tryCurrentOperation()?.token.deadline ?? null };
  }

  @Get('deadline')
  @Cancelable({ deadline: new Date(Date.now() - 1_000) })
  async deadline() {
    return 'too late';
  }
}

describe.each(adapters)('timeouts with nothing sent, over %s', (adapter) => {
  it.each([
    ['short', {}],
    ['bare', { defaultTimeout: 20 }],
    ['undecorated', { defaultTimeout: 20 }],
    ['deadline', {}],
  ])('%s, module %j: are answered with 504', async (path, cancelable) => {
    const { url, next } = await startHttpApp(adapter, {
      controllers: [FixedController],
      cancelable,
    });
    const canceled = next('canceled');

    const answer = await get(`${url}/fixed/${path}`);

    expect(answer).toMatchObject({ status: 504, isCut: false });
    expect(answer.json()).toEqual(TIMED_OUT);
    expect(await canceled).toMatchObject({ name: `GET /fixed/${path}`, reason: 'timeout' });
  });

  it.each(['none', 'excluded'])('%s: the default does not apply', async (path) => {
    const { url } = await startHttpApp(adapter, {
      controllers: [FixedController],
      cancelable: { defaultTimeout: '1h' },
    });

    expect(Object.values((await get(`${url}/fixed/${path}`)).json())).toEqual([null]);
  });

  it('tell the handler its deadline, and the nearer of two', async () => {
    @Controller()
    class DeadlineController {
      @Get('deadline')
      @Cancelable('10m')
      async deadline(@CancelToken() token: CancelationToken) {
        return { remaining: token.remaining() };
      }
    }
    const { url } = await startHttpApp(adapter, {
      controllers: [DeadlineController],
      cancelable: { defaultTimeout: '5m' },
    });

    const { remaining } = (await get(`${url}/deadline`)).json() as { remaining: number };

    expect(remaining).toBeGreaterThan(5 * 60_000);
    expect(remaining).toBeLessThanOrEqual(10 * 60_000);
  });
});

describe.each(adapters)('a handler that blocks the event loop, over %s', (adapter) => {
  it('is answered past its deadline, and its snapshot says so', async () => {
    const { url, registry } = await startHttpApp(adapter, { controllers: [FixedController] });
    const answer = await get(`${url}/fixed/blocking`);
    expect([answer.status, answer.text]).toEqual([200, 'late']);
    expect(registry.history()).toMatchObject([{ status: 'completed', overran: true }]);
  });
});

describe.each(adapters)('timeouts with headers sent, over %s', (adapter) => {
  it('an own timeout cuts the body', async () => {
    const begun = deferred();
    @Controller()
    class StreamController {
      @Get('stream')
      @Cancelable({ timeout: 300 })
      async *stream(): AsyncGenerator<string> {
        yield 'first\n';
        begun.resolve();
        await never();
      }
    }
    const { url, next } = await startHttpApp(adapter, { controllers: [StreamController] });
    const canceled = next('canceled');
    const answer = await OpenAnswer.of(send(`${url}/stream`));

    expect(await answer.end()).toEqual({ isCut: true });
    expect(answer.received).toBe('first\n');
    expect(await canceled).toMatchObject({ reason: 'timeout' });
    await begun.promise;
  });

  it('the default ends with the headers', async () => {
    const go = deferred();
    @Controller()
    class StreamController {
      @Get('stream')
      @Cancelable()
      async *stream(): AsyncGenerator<string> {
        yield 'first\n';
        await go.promise;
        yield 'last\n';
      }
    }
    const { url, registry } = await startHttpApp(adapter, {
      controllers: [StreamController],
      cancelable: { defaultTimeout: 150 },
    });
    const answer = await OpenAnswer.of(send(`${url}/stream`));
    await answer.until('first\n');
    // Set after the default timeout's, so it fires later.
    await new Promise((resolve) => setTimeout(resolve, 200));
    go.resolve();

    expect(await answer.end()).toEqual({ isCut: false });
    expect(answer.received).toBe('first\nlast\n');
    await registry.whenIdle();
    expect(registry.history()).toMatchObject([{ status: 'completed', overran: false }]);
  });

  it('a handler that writes by itself is cut', async () => {
    @Controller()
    class WritingController {
      @Get('writing')
      @Cancelable(300)
      async writing(@Res() response: any) {
        const raw = response.raw ?? response;
        raw.writeHead(200, { 'content-type': 'text/plain' });
        raw.write('first\n');
        await never();
      }
    }
    const { url } = await startHttpApp(adapter, { controllers: [WritingController] });
    const answer = await OpenAnswer.of(send(`${url}/writing`));

    expect(await answer.end()).toEqual({ isCut: true });
    expect(answer.received).toBe('first\n');
  });
});

describe.each(adapters)('timeouts that a function computes, over %s', (adapter) => {
  @Controller()
  class ComputedController {
    private readonly factor = 60_000;
    static readonly seen: unknown[][] = [];

    @Get('minutes/:minutes')
    @Cancelable({
      timeout(this: ComputedController, minutes: number) {
        ComputedController.seen.push([this instanceof ComputedController, minutes]);
        return minutes * this.factor;
      },
      metadata: (minutes: number, who?: string) => ({ minutes, who }),
      tags: () => ['computed'],
    })
    async minutes(
      @Param('minutes', ParseIntPipe) minutes: number,
      @Query('who') who: string | undefined,
      @CancelToken() token: CancelationToken,
    ) {
      const { metadata, tags } = currentOperation();
      return { minutes, who, remaining: token.remaining(), metadata, tags };
    }

    @Get('ms/:text')
    @Cancelable({ timeout: (text: string) => (text === 'none' ? false : text) })
    async text(@Param('text') text: string, @CancelToken() token: CancelationToken) {
      if (text === '20ms') await never();
      return { deadline: token.deadline ?? null };
    }
  }

  it('take the arguments after pipes, and the instance', async () => {
    ComputedController.seen.length = 0;
    const { url } = await startHttpApp(adapter, { controllers: [ComputedController] });

    const body = (await get(`${url}/minutes/7?who=me`)).json() as { remaining: number };

    expect(ComputedController.seen).toEqual([[true, 7]]);
    expect(body).toMatchObject({
      minutes: 7,
      who: 'me',
      metadata: { minutes: 7, who: 'me' },
      tags: ['computed'],
    });
    expect(body.remaining).toBeGreaterThan(6 * 60_000);
    expect(body.remaining).toBeLessThanOrEqual(7 * 60_000);
  });

  it('replace the default, earlier or later', async () => {
    const { url } = await startHttpApp(adapter, {
      controllers: [ComputedController],
      cancelable: { defaultTimeout: '1m' },
    });

    const later = (await get(`${url}/minutes/7`)).json() as { remaining: number };
    expect(later.remaining).toBeGreaterThan(6 * 60_000);
    expect((await get(`${url}/ms/20ms`)).json()).toEqual(TIMED_OUT);
    expect((await get(`${url}/ms/none`)).json()).toEqual({ deadline: null });
  });

  it('0 is already over: the handler does not run', async () => {
    const { url, registry } = await startHttpApp(adapter, { controllers: [ComputedController] });

    const answer = await get(`${url}/minutes/0`);

    expect(answer.status).toBe(504);
    expect(answer.json()).toEqual(TIMED_OUT);
    expect(registry.history()).toMatchObject([{ reason: 'timeout', returned: false }]);
  });

  it('a text that is no duration is an error of the server that says where', async () => {
    const { url, log, registry } = await startHttpApp(adapter, {
      controllers: [ComputedController],
    });

    expect((await get(`${url}/ms/soon`)).status).toBe(500);
    expect(
      log.find('error', "@Cancelable() on ComputedController.text: timeout: 'soon'"),
    ).toHaveLength(1);
    expect(registry.history()).toMatchObject([{ status: 'failed' }]);
  });
});
