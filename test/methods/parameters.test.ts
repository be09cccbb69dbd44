import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Injectable, Param, Query } from '@nestjs/common';
import {
  Cancelable,
  CancelationToken,
  CancelToken,
  CurrentOperation,
  currentOperation,
  currentToken,
  injected,
  Operation,
  type OperationRegistry,
} from 'nestjs-cancelable';
import { startContext } from '../support/app-context.js';
import { rejection, thrown } from '../support/deferred.js';
import { adapters, startHttpApp } from '../support/http-app.js';
import { get } from '../support/http-client.js';

@Injectable()
class Renderer {
  @Cancelable('1h')
  async token(text: string, @CancelToken() token: CancelationToken = injected) {
    await Promise.resolve();
    return { text, token, own: currentToken(), operation: currentOperation() };
  }

  @Cancelable('1h')
  async operation(@CurrentOperation() operation: Operation = injected, text = 'default') {
    return { text, operation, own: currentOperation() };
  }

  @Cancelable()
  sleeping(@CancelToken() token: CancelationToken | AbortSignal = injected) {
    return (token as CancelationToken).sleep('1h');
  }

  @Cancelable()
  sleepingOperation(@CurrentOperation() operation: Operation = injected) {
    return operation.sleep('1h');
  }

  @Cancelable()
  async defaults(text: string, operation = currentOperation(), token = currentToken()) {
    await Promise.resolve();
    return { text, same: operation === currentOperation() && token === operation.token };
  }

  @Cancelable()
  async *generated(text: string, operation = currentOperation()) {
    yield `${text} ${operation.name}`;
    yield operation === currentOperation();
  }

  async undecorated(@CancelToken() token: CancelationToken = injected) {
    return token.isCanceled;
  }
}

const start = async () => {
  const { app, registry } = await startContext({ providers: [Renderer] });
  return { renderer: app.get(Renderer), registry };
};

describe('@CancelToken() and @CurrentOperation() on methods of providers', () => {
  it("give the operation's own", async () => {
    const { renderer } = await start();

    const { text, token, own, operation } = await renderer.token('a');
    expect([text, token === own, operation.token === token]).toEqual(['a', true, true]);
    const given = await renderer.operation();
    expect([given.text, given.operation === given.own]).toEqual(['default', true]);
  });

  it("a caller's token is linked, and the body still gets its own", async () => {
    const { renderer } = await start();
    const passed = new CancelationToken();
    const { token, own } = await renderer.token('a', passed);
    expect(token).toBe(own);
    expect(token).not.toBe(passed);

    const sleeping = rejection(renderer.sleeping(passed));
    passed.cancel({ reason: 'condition', message: 'enough' });

    expect(await sleeping).toMatchObject({
      reason: 'condition',
      message: 'enough',
      operationName: 'Renderer.sleeping',
    });
  });

  it("a caller's AbortSignal is linked", async () => {
    const { renderer } = await start();
    const controller = new AbortController();
    const sleeping = rejection(renderer.sleeping(controller.signal));
    controller.abort(new RangeError('stop'));

    expect(await sleeping).toMatchObject({ reason: 'signal', cause: { message: 'stop' } });
  });

  it("a caller's operation is linked", async () => {
    const { renderer, registry } = await start();
    const other = registry.spawn('other', (operation) => operation.sleep('1h'));
    const sleeping = rejection(renderer.sleepingOperation(other));
    other.cancel({ message: 'the other stops' });

    expect(await sleeping).toMatchObject({ reason: 'manual', message: 'the other stops' });
    expect(await rejection(other.result)).toMatchObject({ reason: 'manual' });
  });

  it('a canceled token keeps the body from running', async () => {
    const { renderer } = await start();
    const passed = new CancelationToken();
    passed.cancel();

    expect(await rejection(renderer.token('a', passed))).toMatchObject({ reason: 'manual' });
  });

  it('nothing is kept of a token that was passed, once the call is over', async () => {
    const { renderer, registry } = await start();
    const passed = new CancelationToken();
    await renderer.token('a', passed);
    passed.cancel();

    expect(registry.history()).toMatchObject([{ status: 'completed' }]);
  });

  it('default parameters do the same', async () => {
    const { renderer } = await start();

    expect(await renderer.defaults('a')).toEqual({ text: 'a', same: true });
  });

  it('default parameters of async generators are of the operation that iterates', async () => {
    const { renderer } = await start();
    const items: unknown[] = [];
    for await (const item of renderer.generated('a')) items.push(item);

    expect(items).toEqual(['a Renderer.generated', true]);
  });

  it('without @Cancelable() the default value says what is missing', async () => {
    const { renderer } = await start();

    expect((await rejection(renderer.undecorated())).message).toContain('needs @Cancelable()');
  });

  it('do not belong on constructors', () => {
    const error = thrown(() => {
      class Wrong {
        constructor(@CancelToken() readonly token: CancelationToken) {}
      }
      return Wrong;
    });
    expect(error.message).toContain('not of a constructor');
  });
});

describe.each(adapters)(
  '@CancelToken() and @CurrentOperation() on handlers, over %s',
  (adapter) => {
    @Controller()
    class ParametersController {
      @Get('decorated/:id')
      @Cancelable('1h')
      async decorated(
        @Query('q') q: string,
        @CancelToken() token: CancelationToken,
        @Param('id') id: string,
        @CurrentOperation() operation: Operation,
      ) {
        const isOwn = operation === currentOperation() && token === operation.token;
        return { q, id, isOwn, name: operation.name };
      }

      @Get('undecorated/:id')
      async undecorated(
        @CurrentOperation() operation: Operation,
        @Param('id') id: string,
        @CancelToken() token: CancelationToken,
      ) {
        const isOwn = operation === currentOperation() && token === operation.token;
        return { id, isOwn, name: operation.name };
      }

      @Get('defaults')
      @Cancelable()
      async defaults(operation = currentOperation()) {
        return { name: operation.name };
      }
    }

    it('are among the parameters of Nest', async () => {
      const { url } = await startHttpApp(adapter, { controllers: [ParametersController] });

      expect((await get(`${url}/decorated/7?q=x`)).json()).toEqual({
        q: 'x',
        id: '7',
        isOwn: true,
        name: 'GET /decorated/:id',
      });
      expect((await get(`${url}/undecorated/7`)).json()).toEqual({
        id: '7',
        isOwn: true,
        name: 'GET /undecorated/:id',
      });
    });

    it('a handler without parameters of Nest can use default parameters', async () => {
      const { url } = await startHttpApp(adapter, { controllers: [ParametersController] });

      expect((await get(`${url}/defaults`)).json()).toEqual({ name: 'GET /defaults' });
    });
  },
);

describe('operations of a registry beside those of methods', () => {
  it('are one tree', async () => {
    const { renderer, registry } = await start();
    const tree = (operations: OperationRegistry) =>
      operations.tree().map(({ name, children }) => [name, children.map((child) => child.name)]);

    const trees = await registry.run('outer', async () => {
      const sleeping = renderer.sleeping().catch(() => {});
      const seen = tree(registry);
      registry.cancelAll({ name: 'Renderer.sleeping' });
      await sleeping;
      return seen;
    });

    expect(trees).toEqual([['outer', ['Renderer.sleeping']]]);
  });
});
