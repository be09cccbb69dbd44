import { afterEach, describe, expect, it } from '@jest/globals';
import {
  type ArgumentsHost,
  BadGatewayException,
  type CallHandler,
  type CanActivate,
  Catch,
  Controller,
  type ExceptionFilter,
  type ExecutionContext,
  Get,
  HttpException,
  Injectable,
  type NestInterceptor,
  Param,
  type PipeTransform,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
} from '@nestjs/common';
import { APP_FILTER, APP_INTERCEPTOR } from '@nestjs/core';
import {
  Cancelable,
  CancelationToken,
  CancelToken,
  isCancelation,
  OperationCanceledException,
  tryCurrentOperation,
} from 'nestjs-cancelable';
import { catchError, map, of, tap, throwError } from 'rxjs';
import { adapters, startHttpApp } from '../support/http-app.js';
import { get } from '../support/http-client.js';

/** What everybody around a handler saw, in order. */
const seen: string[] = [];

afterEach(() => {
  seen.length = 0;
});

function describeError(error: unknown): string {
  if (error instanceof OperationCanceledException) {
    return `exception ${error.reason} ${error.getStatus()} of ${isCancelation(error.cause) ? 'a cancelation' : '?'}`;
  }
  if (isCancelation(error)) return `cancelation ${error.reason}`;
  return error instanceof Error ? error.name : String(error);
}

const operationName = () => tryCurrentOperation()?.name ?? 'none';

function interceptor(name: string) {
  @Injectable()
  class RecordingInterceptor implements NestInterceptor {
    intercept(_context: ExecutionContext, next: CallHandler) {
      seen.push(`${name} before (${operationName()})`);
      return next.handle().pipe(
        tap({
          next: () => seen.push(`${name} after (${operationName()})`),
          error: (error: unknown) => seen.push(`${name} ${describeError(error)}`),
        }),
      );
    }
  }
  return RecordingInterceptor;
}

function filter(name: string, ...types: any[]) {
  @Catch(...types)
  class RecordingFilter implements ExceptionFilter {
    catch(exception: unknown, host: ArgumentsHost) {
      seen.push(`${name} ${describeError(exception)}`);
      const response: any = host.switchToHttp().getResponse();
      const status = exception instanceof HttpException ? exception.getStatus() : 500;
      response.status(status).send({ filteredBy: name });
    }
  }
  return RecordingFilter;
}

function pipe(name: string) {
  @Injectable()
  class RecordingPipe implements PipeTransform {
    transform(value: unknown) {
      const shown = value instanceof CancelationToken ? 'a token' : String(value);
      seen.push(`${name} ${shown} (${operationName()})`);
      return value;
    }
  }
  return RecordingPipe;
}

class RecordingGuard implements CanActivate {
  canActivate() {
    seen.push(`guard (${operationName()})`);
    return true;
  }
}

@Controller()
@UseGuards(RecordingGuard)
class AroundController {
  @Get('local/:id')
  @UseInterceptors(interceptor('local interceptor'))
  @UsePipes(pipe('local pipe'))
  @Cancelable(200)
  async local(@Param('id') id: string, @CancelToken() token: CancelationToken) {
    seen.push(`handler (${operationName()})`);
    if (id === 'waits') await token.sleep('1h');
    if (id === 'throws') throw new BadGatewayException('on its own');
    return { id };
  }

  @Get('filtered')
  @UseFilters(filter('local filter', OperationCanceledException))
  @Cancelable(200)
  filtered() {
    return new Promise(() => {});
  }

  @Get('replaced')
  @UseInterceptors(
    class implements NestInterceptor {
      intercept(_context: ExecutionContext, next: CallHandler) {
        return next.handle().pipe(
          catchError((error: unknown) => {
            seen.push(describeError(error));
            return of({ cached: true });
          }),
        );
      }
    },
  )
  @Cancelable(200)
  replaced(@CancelToken() token: CancelationToken) {
    return token.sleep('1h');
  }

  @Get('rethrown')
  @UseInterceptors(
    class implements NestInterceptor {
      intercept(_context: ExecutionContext, next: CallHandler) {
        return next.handle().pipe(
          map((value: unknown) => ({ wrapped: value })),
          catchError((error: unknown) =>
            throwError(() => new BadGatewayException({ cause: error })),
          ),
        );
      }
    },
  )
  @Cancelable(200)
  rethrown(@CancelToken() token: CancelationToken) {
    return token.sleep('1h');
  }
}

const controllers = [AroundController];

describe.each(adapters)('what stands around a handler, over %s', (adapter) => {
  const providers = [
    { provide: APP_INTERCEPTOR, useClass: interceptor('app interceptor') },
    { provide: APP_FILTER, useClass: filter('app filter', HttpException) },
  ];

  it('a call that succeeds passes all of it in the usual order', async () => {
    const { url } = await startHttpApp(adapter, {
      controllers,
      providers,
      configure: (app) => {
        app.useGlobalInterceptors(new (interceptor('global interceptor'))());
        app.useGlobalPipes(new (pipe('global pipe'))());
      },
    });

    expect((await get(`${url}/local/7`)).json()).toEqual({ id: '7' });

    const name = 'GET /local/:id';
    const isPipe = (line: string) => line.includes('pipe');
    // In which order Nest looks at the parameters is its own affair.
    for (const value of ['7', 'a token']) {
      expect(seen.filter((line) => isPipe(line) && line.includes(value))).toEqual([
        `global pipe ${value} (${name})`,
        `local pipe ${value} (${name})`,
      ]);
    }
    expect(seen.findLastIndex(isPipe)).toBeLessThan(seen.indexOf(`handler (${name})`));
    expect(seen.filter((line) => !isPipe(line))).toEqual([
      'guard (none)',
      `app interceptor before (${name})`,
      `global interceptor before (${name})`,
      `local interceptor before (${name})`,
      `handler (${name})`,
      `local interceptor after (${name})`,
      `global interceptor after (${name})`,
      `app interceptor after (${name})`,
    ]);
  });

  it('interceptors see the cancelation, filters the exception', async () => {
    const { url } = await startHttpApp(adapter, {
      controllers,
      providers,
      configure: (app) => app.useGlobalInterceptors(new (interceptor('global interceptor'))()),
    });

    expect((await get(`${url}/local/waits`)).json()).toEqual({ filteredBy: 'app filter' });

    expect(seen.slice(-4)).toEqual([
      'local interceptor cancelation timeout',
      'global interceptor cancelation timeout',
      'app interceptor cancelation timeout',
      'app filter exception timeout 504 of a cancelation',
    ]);
  });

  it('an exception of the user keeps its identity', async () => {
    const { url, registry } = await startHttpApp(adapter, { controllers, providers });

    expect(await get(`${url}/local/throws`)).toMatchObject({ status: 502 });

    expect(seen.slice(-3)).toEqual([
      'local interceptor BadGatewayException',
      'app interceptor BadGatewayException',
      'app filter BadGatewayException',
    ]);
    expect(registry.history()).toMatchObject([
      { status: 'failed', error: { name: 'BadGatewayException', message: 'on its own' } },
    ]);
  });

  it('a local filter comes before a global one', async () => {
    const { url } = await startHttpApp(adapter, {
      controllers,
      providers,
      configure: (app) => app.useGlobalFilters(new (filter('global filter'))()),
    });

    const answer = await get(`${url}/filtered`);

    expect(answer.status).toBe(504);
    expect(answer.json()).toEqual({ filteredBy: 'local filter' });
    expect(seen.at(-1)).toBe('local filter exception timeout 504 of a cancelation');
  });

  it('a global filter for everything gets it too', async () => {
    const { url } = await startHttpApp(adapter, {
      controllers,
      configure: (app) => app.useGlobalFilters(new (filter('global filter'))()),
    });

    expect((await get(`${url}/local/waits`)).json()).toEqual({ filteredBy: 'global filter' });
  });

  it('an interceptor may answer a cancelation itself', async () => {
    const { url, registry } = await startHttpApp(adapter, { controllers });

    const answer = await get(`${url}/replaced`);

    expect(answer).toMatchObject({ status: 200 });
    expect(answer.json()).toEqual({ cached: true });
    expect(seen).toEqual(['guard (none)', 'cancelation timeout']);
    expect(registry.history()).toMatchObject([{ status: 'canceled', reason: 'timeout' }]);
  });

  it('an interceptor may replace the error', async () => {
    const { url } = await startHttpApp(adapter, { controllers });

    expect(await get(`${url}/rethrown`)).toMatchObject({ status: 502 });
  });
});
