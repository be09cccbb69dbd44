import { describe, expect, it } from '@jest/globals';
import {
  type ArgumentsHost,
  Catch,
  Controller,
  type ExceptionFilter,
  Get,
  HttpException,
  Injectable,
  type MiddlewareConsumer,
  Module,
  type NestMiddleware,
  UseFilters,
  UseGuards,
} from '@nestjs/common';
import { APP_FILTER, BaseExceptionFilter } from '@nestjs/core';
import { OperationCanceledException, OperationLimit } from 'nestjs-cancelable';
import { deferred } from '../support/deferred.js';
import { adapters, type HttpApp, type HttpAppOptions, startHttpApp } from '../support/http-app.js';
import { get } from '../support/http-client.js';
import { CheckGuard, Permissions, SlowGuard } from '../support/permissions.js';

const caught: [string, unknown][] = [];

/** Notes what it gets, and answers as Nest does. */
function noting(name: string, ...types: (typeof HttpException | typeof OperationLimit)[]) {
  @Catch(...types)
  class NotingFilter extends BaseExceptionFilter {
    override catch(error: unknown, host: ArgumentsHost) {
      caught.push([name, error]);
      super.catch(error, host);
    }
  }
  return NotingFilter;
}

@Catch(OperationLimit)
class LimitFilter implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost) {
    caught.push(['of the method', error]);
    const response = host.switchToHttp().getResponse<{
      status(code: number): { send(body: unknown): void };
    }>();
    response.status(418).send('mine');
  }
}

@Controller()
class GuardedController {
  @Get('check')
  @UseGuards(CheckGuard)
  check() {
    return 'served';
  }

  @Get('slow')
  @UseGuards(SlowGuard)
  slow() {
    return 'served';
  }

  @Get('own')
  @UseGuards(CheckGuard)
  @UseFilters(LimitFilter)
  own() {
    return 'served';
  }

  @Get('through')
  through() {
    return 'served';
  }
}

@Injectable()
class SlowMiddleware implements NestMiddleware {
  constructor(private readonly permissions: Permissions) {}

  async use(_request: unknown, _response: unknown, next: () => void): Promise<void> {
    await this.permissions.slow();
    next();
  }
}

@Module({ providers: [Permissions] })
class MiddlewareModule {
  configure(consumer: MiddlewareConsumer) {
    consumer.apply(SlowMiddleware).forRoutes('through');
  }
}

describe.each(adapters)('the failure of a guard, over %s', (adapter) => {
  const start = (options: Partial<HttpAppOptions> = {}): Promise<HttpApp> => {
    caught.length = 0;
    return startHttpApp(adapter, {
      controllers: [GuardedController],
      providers: [Permissions, ...(options.providers ?? [])],
      imports: [MiddlewareModule],
      cancelable: { maxLive: 1, ...options.cancelable },
      ...(options.configure && { configure: options.configure }),
    });
  };
  /** Nothing more may begin. */
  const fill = ({ registry }: HttpApp) => {
    const gate = deferred();
    registry.spawn('all there may be', () => gate.promise);
    return gate;
  };

  it('is answered with 503 and Retry-After when a service has no room', async () => {
    const app = await start();
    const gate = fill(app);
    const answer = await get(`${app.url}/check`);
    expect(answer).toMatchObject({ status: 503 });
    expect(answer.headers['retry-after']).toBe('1');
    expect(answer.json()).toEqual({
      statusCode: 503,
      message: 'The server is busy',
      code: 'OPERATION_LIMIT',
    });
    expect(app.log.find('error')).toEqual([]);
    gate.resolve();
    await app.registry.whenIdle();
    expect(await get(`${app.url}/check`)).toMatchObject({ status: 200, text: 'served' });
  });

  it.each(['slow', 'through'])('is answered with 504 when the time was up: %s', async (path) => {
    const { url, log } = await start();
    const answer = await get(`${url}/${path}`);
    expect(answer.json()).toEqual({
      statusCode: 504,
      message: 'The operation timed out',
      code: 'OPERATION_TIMEOUT',
    });
    expect(log.find('error')).toEqual([]);
  });

  it("has the module's status codes", async () => {
    const { url } = await start({ cancelable: { http: { statusCodes: { timeout: 408 } } } });
    expect(await get(`${url}/slow`)).toMatchObject({ status: 408 });
  });

  it('is to filters the same as the failure of a handler', async () => {
    const Every = noting('every');
    const app = await start({
      configure: (each) => each.useGlobalFilters(new Every(each.getHttpAdapter())),
    });
    expect(await get(`${app.url}/slow`)).toMatchObject({ status: 504 });
    expect(caught).toMatchObject([['every', { reason: 'timeout' }]]);
    expect(caught[0]?.[1]).toBeInstanceOf(OperationCanceledException);
    fill(app);
    const answer = await get(`${app.url}/check`);
    expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
    expect(caught[1]?.[1]).toBeInstanceOf(HttpException);
  });

  it('reaches the filters of the application in their order', async () => {
    const app = await start({
      providers: [
        { provide: APP_FILTER, useClass: noting('every') },
        { provide: APP_FILTER, useClass: noting('http', HttpException) },
      ],
      configure: (each) => {
        const Limit = noting('limit', OperationLimit);
        each.useGlobalFilters(new Limit(each.getHttpAdapter()));
      },
    });
    expect(await get(`${app.url}/slow`)).toMatchObject({ status: 504 });
    fill(app);
    // Who asks for the error itself gets it, and answers as it does.
    expect(await get(`${app.url}/check`)).toMatchObject({ status: 500 });
    expect(caught.map(([name, error]) => [name, (error as Error).name])).toEqual([
      ['http', 'OperationCanceledException'],
      ['limit', 'OperationLimit'],
    ]);
  });

  it("is left to a method's own filter", async () => {
    const app = await start();
    fill(app);
    expect(await get(`${app.url}/own`)).toMatchObject({ status: 418, text: 'mine' });
    expect(caught).toMatchObject([['of the method', { name: 'OperationLimit' }]]);
  });
});
