import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Injectable, Post } from '@nestjs/common';
import { Cancelable, currentOperation, NotCancelable } from 'nestjs-cancelable';
import { startContext } from '../support/app-context.js';
import { adapters, startHttpApp } from '../support/http-app.js';
import { get, post, send } from '../support/http-client.js';

const never = () => new Promise(() => {});

abstract class BaseController {
  @Get('inherited')
  inherited(): Promise<unknown> {
    return never();
  }

  @Get('overridden')
  overridden(): Promise<unknown> {
    return never();
  }
}

@Controller('decorated')
@Cancelable({ timeout: 30, tags: ['class'] })
class DecoratedController extends BaseController {
  @Get('plain')
  plain() {
    return never();
  }

  @Get('own')
  @Cancelable({ timeout: false })
  async own() {
    const { tags, token } = currentOperation();
    return { tags, deadline: token.deadline ?? null };
  }

  @Post('post')
  async post() {
    return { tags: currentOperation().tags, helper: this.helper() };
  }

  @Get('sync')
  sync() {
    return { tags: currentOperation().tags };
  }

  @Get('apart')
  @NotCancelable()
  async apart() {
    return { deadline: currentOperation().token.deadline ?? null };
  }

  @Get('overridden')
  override overridden() {
    return super.overridden();
  }

  helper() {
    return 'not a handler';
  }
}

@Controller('plain')
class PlainController extends BaseController {
  @Get('quick')
  async quick() {
    return { tags: currentOperation().tags };
  }
}

const controllers = [DecoratedController, PlainController];

describe.each(adapters)('@Cancelable() on a controller, over %s', (adapter) => {
  it.each(['plain', 'inherited', 'overridden'])('limits every handler: %s', async (path) => {
    const { url, next } = await startHttpApp(adapter, { controllers });
    const canceled = next('canceled');

    expect(await get(`${url}/decorated/${path}`)).toMatchObject({ status: 504 });
    expect(await canceled).toMatchObject({ tags: ['class'], name: `GET /decorated/${path}` });
  });

  it('leaves an option alone that the handler sets itself', async () => {
    const { url } = await startHttpApp(adapter, { controllers });

    expect((await get(`${url}/decorated/own`)).json()).toEqual({ tags: ['class'], deadline: null });
    expect((await get(`${url}/decorated/apart`)).json()).toEqual({ deadline: null });
  });

  it('takes handlers of any kind, and nothing else', async () => {
    const { url, registry } = await startHttpApp(adapter, { controllers });

    expect((await post(`${url}/decorated/post`, {})).json()).toEqual({
      tags: ['class'],
      helper: 'not a handler',
    });
    expect((await get(`${url}/decorated/sync`)).json()).toEqual({ tags: ['class'] });
    expect(registry.history()).toHaveLength(2);
  });

  it('an inherited handler that is decorated stays one operation, with the options of both', async () => {
    abstract class Base {
      @Get('both')
      @Cancelable({ metadata: { from: 'method' } })
      async both() {
        const { tags, metadata, kind } = currentOperation();
        return { tags, metadata, kind };
      }
    }
    @Controller('first')
    @Cancelable({ tags: ['first'] })
    class FirstController extends Base {}
    @Controller('second')
    @Cancelable({ tags: ['second'] })
    class SecondController extends Base {}
    const { url, registry } = await startHttpApp(adapter, {
      controllers: [FirstController, SecondController],
    });

    for (const name of ['first', 'second']) {
      expect((await get(`${url}/${name}/both`)).json()).toEqual({
        tags: [name],
        metadata: { from: 'method' },
        kind: 'http',
      });
    }
    expect(registry.history()).toHaveLength(2);
  });

  it('does not reach other controllers of the same base', async () => {
    const { url, next } = await startHttpApp(adapter, { controllers });
    const started = next('started');
    const canceled = next('canceled');

    expect((await get(`${url}/plain/quick`)).json()).toEqual({ tags: [] });
    expect(await started).toMatchObject({ name: 'GET /plain/quick' });
    const request = send(`${url}/plain/inherited`);
    await expect(get(`${url}/decorated/inherited`)).resolves.toMatchObject({ status: 504 });
    expect(await canceled).toMatchObject({ name: 'GET /decorated/inherited', reason: 'timeout' });
    request.destroy();
  });
});

describe('@Cancelable() on a provider', () => {
  it('gives options to its decorated methods, inherited ones too, and leaves the others', async () => {
    class Base {
      @Cancelable({ metadata: { from: 'base' } })
      async inherited() {
        const { tags, metadata } = currentOperation();
        return { tags, metadata };
      }
    }
    @Injectable()
    @Cancelable({ tags: ['class'], metadata: { from: 'class' } })
    class Provider extends Base {
      @Cancelable({ metadata: { from: 'method' } })
      async own() {
        const { tags, metadata } = currentOperation();
        return { tags, metadata };
      }

      sync() {
        return 'untouched';
      }
    }
    @Injectable()
    class Other extends Base {}
    const { app, registry } = await startContext({ providers: [Provider, Other] });
    const provider = app.get(Provider);

    expect(await provider.own()).toEqual({ tags: ['class'], metadata: { from: 'method' } });
    expect(await provider.inherited()).toEqual({ tags: ['class'], metadata: { from: 'base' } });
    expect(await app.get(Other).inherited()).toEqual({ tags: [], metadata: { from: 'base' } });
    expect(provider.sync()).toBe('untouched');
    expect(registry.history().map(({ name }) => name)).toEqual([
      'Provider.own',
      'Provider.inherited',
      'Base.inherited',
    ]);
  });
});
