import { describe, expect, it } from '@jest/globals';
import {
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  Injectable,
  UseGuards,
} from '@nestjs/common';
import {
  Cancelable,
  type CancelableModuleOptions,
  currentOperation,
  NotCancelable,
  type RequestOptions,
} from 'nestjs-cancelable';
import { rejection } from '../support/deferred.js';
import { type Adapter, adapters, startHttpApp } from '../support/http-app.js';
import { get } from '../support/http-client.js';

class UserGuard implements CanActivate {
  canActivate(context: ExecutionContext) {
    const request = context.switchToHttp().getRequest<{ user?: unknown; headers: any }>();
    request.user = { id: request.headers['x-user'] as string };
    return true;
  }
}

@Injectable()
class Service {
  @Cancelable({ metadata: { step: 'render' }, tags: ['slow'] })
  async render() {
    const { metadata, tags } = currentOperation();
    return { metadata, tags };
  }
}

@Controller()
@UseGuards(UserGuard)
class OwnedController {
  constructor(private readonly service: Service) {}

  @Get('undecorated')
  undecorated() {
    return this.service.render();
  }

  @Get('decorated')
  @Cancelable({ metadata: { step: 'handler', route: 'decorated' }, tags: ['route'] })
  async decorated() {
    const { metadata, tags, id, token } = currentOperation();
    const child = await this.service.render();
    return { metadata, tags, id, remaining: token.remaining(), child };
  }

  @Get('own')
  @Cancelable('5m')
  async own() {
    return { remaining: currentOperation().token.remaining() };
  }

  @Get('excluded')
  @NotCancelable()
  async excluded() {
    const { token, metadata } = currentOperation();
    return { deadline: token.deadline ?? null, metadata };
  }

  @Get('waits')
  @Cancelable()
  waits() {
    return new Promise(() => {});
  }
}

function start(
  adapter: Adapter,
  request: (context: ExecutionContext) => RequestOptions | undefined,
  rest: CancelableModuleOptions = {},
) {
  return startHttpApp(adapter, {
    controllers: [OwnedController],
    providers: [Service],
    cancelable: { request, ...rest },
  });
}

describe.each(adapters)('the request option, over %s', (adapter) => {
  const owner = (context: ExecutionContext): RequestOptions => ({
    metadata: {
      owner: context.switchToHttp().getRequest<{ user: { id: string } }>().user.id,
      step: 'request',
    },
    tags: ['web'],
  });

  it('runs once per call, after guards', async () => {
    let calls = 0;
    const { url, registry } = await start(adapter, (context) => {
      calls++;
      return owner(context);
    });

    await get(`${url}/decorated`, { headers: { 'x-user': 'ada' } });
    expect(calls).toBe(1);
    await get(`${url}/undecorated`, { headers: { 'x-user': 'bob' } });
    expect(calls).toBe(2);

    expect(registry.history({ kind: 'http' }).map(({ metadata }) => metadata.owner)).toEqual([
      'ada',
      'bob',
    ]);
    expect(registry.history({ metadata: { owner: 'bob' } })).toHaveLength(2);
  });

  it('describes the request and everything below it', async () => {
    const { url } = await start(adapter, owner);

    const answer = await get(`${url}/undecorated`, { headers: { 'x-user': 'ada' } });

    expect(answer.json()).toEqual({
      metadata: { owner: 'ada', step: 'render' },
      tags: ['web', 'slow'],
    });
  });

  it('adds to what the decorator says', async () => {
    const { url } = await start(adapter, owner);

    const body = (await get(`${url}/decorated`, { headers: { 'x-user': 'ada' } })).json();

    expect(body.metadata).toMatchObject({ owner: 'ada', route: 'decorated' });
    expect([...body.tags].sort()).toEqual(['route', 'web']);
    expect([...body.child.tags].sort()).toEqual(['route', 'slow', 'web']);
    expect(body.child.metadata).toMatchObject({ owner: 'ada', route: 'decorated', step: 'render' });
  });

  it('gives the id', async () => {
    const { url } = await start(adapter, () => ({ id: 'request-1' }));

    expect((await get(`${url}/decorated`)).json()).toMatchObject({ id: 'request-1' });
  });

  it('gives the timeout where the handler says nothing', async () => {
    const { url, registry } = await start(adapter, () => ({ timeout: 200 }), {
      defaultTimeout: '1h',
    });

    expect(await get(`${url}/waits`)).toMatchObject({ status: 504 });
    expect(registry.list()).toMatchObject([{ name: 'GET /waits', status: 'canceling' }]);
    const { remaining } = (await get(`${url}/own`)).json() as { remaining: number };
    expect(remaining).toBeGreaterThan(4 * 60_000);
  });

  it('false switches the default off', async () => {
    const { url } = await start(adapter, () => ({ timeout: false }), { defaultTimeout: '1h' });

    // Infinity, in JSON.
    expect((await get(`${url}/decorated`)).json()).toMatchObject({ remaining: null });
  });

  it('describes handlers that are not cancelable, but does not limit them', async () => {
    const { url } = await start(adapter, () => ({ timeout: '1h', metadata: { seen: true } }));

    expect((await get(`${url}/excluded`)).json()).toEqual({
      deadline: null,
      metadata: { seen: true },
    });
  });

  it('may say nothing', async () => {
    const { url } = await start(adapter, () => undefined);

    expect((await get(`${url}/decorated`)).status).toBe(200);
  });

  it.each([
    [{ timeout: '5 parsecs' }, "'5 parsecs'"],
    [{ owner: 'ada' }, "there is no option 'owner'"],
    [{ metadata: 'ada' }, "'ada' is not allowed"],
  ])('%j is an error of the server that says what is wrong', async (given, message) => {
    const { url, log, registry } = await start(adapter, () => given as RequestOptions);

    expect((await get(`${url}/decorated`)).status).toBe(500);
    expect(log.find('error', 'CancelableModule: request()')).toHaveLength(1);
    expect(log.find('error', message)).toHaveLength(1);
    expect(registry.list()).toEqual([]);
  });

  it.each([
    ['a promise', () => Promise.reject(new Error('late')), 'request(): a promise'],
    ['metadata that is one', () => ({ metadata: Promise.resolve({}) }), 'metadata: a promise'],
    ['an id that is one', () => ({ id: Promise.resolve('1') }), 'id: a promise'],
  ])('%s is an error of the server, and nothing unhandled', async (_what, give, message) => {
    const { url, log } = await start(adapter, give as () => RequestOptions);

    expect((await get(`${url}/decorated`)).status).toBe(500);
    expect(log.find('error', message)).toHaveLength(1);
    expect(log.find('error', 'in a guard or a pipe')).toHaveLength(1);
  });

  it('an async function stops the start-up', async () => {
    const request = (async () => ({})) as never;

    expect((await rejection(start(adapter, request))).message).toContain(
      'CancelableModule.forRoot(): request: a function (request) is async',
    );
  });

  it('what it throws is answered like any error', async () => {
    const { url, log } = await start(adapter, () => {
      throw new RangeError('no user');
    });

    expect((await get(`${url}/decorated`)).status).toBe(500);
    expect(log.find('error', 'no user')).toHaveLength(1);
  });
});
