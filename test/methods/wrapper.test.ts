import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Header, HttpCode, Injectable, Param, SetMetadata } from '@nestjs/common';
import {
  Cancelable,
  CancelationToken,
  CancelToken,
  currentOperation,
  NotCancelable,
} from 'nestjs-cancelable';
import { firstValueFrom, isObservable, Observable, of } from 'rxjs';
import { startContext } from '../support/app-context.js';
import { adapters, startHttpApp } from '../support/http-app.js';
import { get } from '../support/http-client.js';

describe('the wrapper passes for the method it wraps', () => {
  class Reports {
    @Cancelable()
    async build(_city: string, _from: Date, _to?: Date) {}

    @Cancelable()
    async defaults(_city: string, _from = 1) {}

    @Cancelable()
    @SetMetadata('role', 'admin')
    async above() {}

    @SetMetadata('role', 'admin')
    @Cancelable()
    async below() {}
  }
  const { prototype } = Reports;

  it('keeps its name and length', () => {
    expect([prototype.build.name, prototype.build.length]).toEqual(['build', 3]);
    expect([prototype.defaults.name, prototype.defaults.length]).toEqual(['defaults', 1]);
  });

  it('keeps its metadata, whichever decorator comes first', () => {
    expect(Reflect.getMetadata('role', prototype.above)).toBe('admin');
    expect(Reflect.getMetadata('role', prototype.below)).toBe('admin');
  });

  it('stays a method: not enumerable, and replaceable', () => {
    expect(Object.keys(new Reports())).toEqual([]);
    expect(Object.getOwnPropertyDescriptor(prototype, 'build')).toMatchObject({
      enumerable: false,
      configurable: true,
      writable: true,
    });
  });
});

describe.each(adapters)('the order of decorators does not matter, over %s', (adapter) => {
  it('above and below those of Nest', async () => {
    @Controller()
    class OrderController {
      @Cancelable('1h')
      @Get('above/:id')
      @HttpCode(202)
      @Header('x-own', 'yes')
      async above(@Param('id') id: string, @CancelToken() token: CancelationToken) {
        return { id, hasDeadline: token.deadline !== undefined, name: currentOperation().name };
      }

      @Get('below/:id')
      @HttpCode(202)
      @Header('x-own', 'yes')
      @Cancelable('1h')
      async below(@Param('id') id: string, @CancelToken() token: CancelationToken) {
        return { id, hasDeadline: token.deadline !== undefined, name: currentOperation().name };
      }

      @Get('between/:id')
      @Cancelable('1h')
      @HttpCode(202)
      @Header('x-own', 'yes')
      async between(@Param('id') id: string, @CancelToken() token: CancelationToken) {
        return { id, hasDeadline: token.deadline !== undefined, name: currentOperation().name };
      }
    }
    const { url, registry } = await startHttpApp(adapter, { controllers: [OrderController] });

    for (const path of ['above', 'below', 'between']) {
      const answer = await get(`${url}/${path}/7`);
      expect(answer.json()).toEqual({ id: '7', hasDeadline: true, name: `GET /${path}/:id` });
      expect(answer.status).toBe(202);
      expect(answer.headers['x-own']).toBe('yes');
    }
    // One operation each: a decorated handler is the request's operation.
    expect(registry.history()).toHaveLength(3);
  });

  it('@NotCancelable above and below, and on a class', async () => {
    @Controller('a')
    class MethodController {
      @NotCancelable()
      @Get('above')
      async above() {
        return { deadline: currentOperation().token.deadline ?? null };
      }

      @Get('below')
      @NotCancelable()
      async below() {
        return { deadline: currentOperation().token.deadline ?? null };
      }
    }
    @Controller('b')
    @NotCancelable()
    class ClassController {
      @Get()
      async all() {
        return { deadline: currentOperation().token.deadline ?? null };
      }
    }
    const { url } = await startHttpApp(adapter, {
      controllers: [MethodController, ClassController],
      cancelable: { defaultTimeout: '1h' },
    });

    for (const path of ['a/above', 'a/below', 'b']) {
      expect((await get(`${url}/${path}`)).json()).toEqual({ deadline: null });
    }
  });
});

describe('the kind of result is kept', () => {
  @Injectable()
  class Kinds {
    @Cancelable()
    promise() {
      return Promise.resolve(1);
    }

    @Cancelable()
    thenable(): PromiseLike<number> {
      return { then: (resolve: any) => resolve(2) };
    }

    @Cancelable()
    both(): any {
      return Object.assign(of(2), { then: (resolve: any) => resolve(2) });
    }

    @Cancelable()
    nodeStream(source: Readable): Readable {
      return source;
    }

    @Cancelable()
    webStream(source: ReadableStream<number>): ReadableStream<number> {
      return source;
    }

    @Cancelable()
    observable(): Observable<number> {
      return of(3);
    }

    @Cancelable()
    inferred() {
      return of(3);
    }

    @Cancelable()
    async *generator() {
      yield 4;
    }

    @Cancelable()
    iterable(): AsyncIterable<number> {
      return { [Symbol.asyncIterator]: () => this.generator() };
    }

    @Cancelable()
    maybe(value: number): number | Promise<number> {
      return value > 0 ? value : Promise.resolve(value);
    }

    @Cancelable()
    throws(): Promise<void> {
      throw new RangeError('at once');
    }
  }

  it('promises and thenables', async () => {
    const { app, registry } = await startContext({ providers: [Kinds] });
    const kinds = app.get(Kinds);

    expect(kinds.promise()).toBeInstanceOf(Promise);
    expect(await kinds.promise()).toBe(1);
    expect(await kinds.thenable()).toBe(2);
    expect(registry.history().map(({ status }) => status)).toEqual(Array(3).fill('completed'));
  });

  it('a promise, where it is an Observable too', async () => {
    const { app, registry } = await startContext({ providers: [Kinds] });

    expect(await app.get(Kinds).both()).toBe(2);
    expect(registry.history()).toMatchObject([{ status: 'completed' }]);
  });

  it('a stream of Node, whose close ends the operation', async () => {
    const { app, registry } = await startContext({ providers: [Kinds] });
    const source = new Readable({ read() {} });

    expect(app.get(Kinds).nodeStream(source)).toBe(source);
    expect(registry.list()).toMatchObject([{ name: 'Kinds.nodeStream' }]);
    source.push(null);
    await source.resume().toArray();
    await registry.whenIdle();
    expect(registry.history()).toMatchObject([{ status: 'completed' }]);
  });

  it('a web stream, whose close ends the operation', async () => {
    const { app, registry } = await startContext({ providers: [Kinds] });
    let close!: () => void;
    const source = new ReadableStream<number>({
      start: (controller) => void (close = () => controller.close()),
    });

    expect(app.get(Kinds).webStream(source)).toBe(source);
    expect(registry.list()).toMatchObject([{ name: 'Kinds.webStream' }]);
    close();
    await registry.whenIdle();
    expect(registry.history()).toMatchObject([{ status: 'completed' }]);
  });

  it.each(['observable', 'inferred'] as const)('Observables: %s', async (method) => {
    const { app, registry } = await startContext({ providers: [Kinds] });
    const result = app.get(Kinds)[method]();

    expect(isObservable(result)).toBe(true);
    expect(registry.list()).toEqual([]);
    expect(await firstValueFrom(result)).toBe(3);
    await firstValueFrom(result);
    expect(registry.history({ name: `Kinds.${method}` })).toHaveLength(2);
  });

  it.each(['generator', 'iterable'] as const)('async iterables: %s', async (method) => {
    const { app, registry } = await startContext({ providers: [Kinds] });
    const items: number[] = [];
    for await (const item of app.get(Kinds)[method]()) items.push(item);

    expect(items).toEqual([4]);
    expect(registry.history({ name: `Kinds.${method}` })).toMatchObject([{ status: 'completed' }]);
  });

  it('a generator can be driven by hand', async () => {
    const { app, registry } = await startContext({ providers: [Kinds] });
    const generator = app.get(Kinds).generator();

    expect(registry.list()).toEqual([]);
    expect(await generator.next()).toEqual({ done: false, value: 4 });
    expect(registry.list()).toMatchObject([{ name: 'Kinds.generator' }]);
    await generator.return();
    expect(registry.history()).toMatchObject([{ status: 'canceled', reason: 'manual' }]);
    expect(await generator.next()).toEqual({ done: true, value: undefined });
  });

  it('values that are there at once', async () => {
    const { app, registry } = await startContext({ providers: [Kinds] });
    const kinds = app.get(Kinds);

    expect(kinds.maybe(7)).toBe(7);
    expect(await kinds.maybe(-7)).toBe(-7);
    expect(registry.history()).toMatchObject([{ status: 'completed' }, { status: 'completed' }]);
  });

  it('a synchronous throw of a method that promises rejects', async () => {
    const { app } = await startContext({ providers: [Kinds] });

    await expect(app.get(Kinds).throws()).rejects.toThrow('at once');
  });
});
