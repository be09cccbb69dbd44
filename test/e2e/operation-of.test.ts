import { describe, expect, it } from '@jest/globals';
import { type ArgumentsHost, Catch, Controller, type ExceptionFilter, Get } from '@nestjs/common';
import { Cancelable, operationOf, TimeoutCancelation } from 'nestjs-cancelable';
import { adapters, startHttpApp } from '../support/http-app.js';
import { get } from '../support/http-client.js';

@Catch()
class TellingFilter implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost) {
    const { id, name, status, metadata } = operationOf(error) ?? {};
    const response: any = host.switchToHttp().getResponse();
    response.status(500).send({ hasId: id !== undefined, name, status, metadata });
  }
}

@Controller()
class FailingController {
  @Get('fails')
  @Cancelable({ metadata: { owner: 'ann' } })
  async fails(): Promise<void> {
    throw new RangeError('ordinary');
  }

  @Get('late')
  @Cancelable(100)
  late(): Promise<void> {
    return new Promise(() => {});
  }

  @Get('plain')
  plain(): void {
    throw new RangeError('ordinary');
  }
}

describe.each(adapters)('operationOf() over %s', (adapter) => {
  it.each([
    ['fails', { hasId: true, name: 'GET /fails', status: 'failed', metadata: { owner: 'ann' } }],
    ['late', { hasId: true, name: 'GET /late', status: 'canceling', metadata: {} }],
    ['plain', { hasId: false }],
  ])('tells a filter the operation of %s', async (path, expected) => {
    const { url } = await startHttpApp(adapter, {
      controllers: [FailingController],
      configure: (app) => app.useGlobalFilters(new TellingFilter()),
    });
    expect((await get(`${url}/${path}`)).json()).toEqual(expected);
  });

  it('gives undefined for an error that no call failed with', () => {
    expect(operationOf(new Error('mine'))).toBeUndefined();
    expect(operationOf(new TimeoutCancelation('mine'))).toBeUndefined();
    expect(operationOf('text')).toBeUndefined();
    expect(operationOf(undefined)).toBeUndefined();
  });
});
