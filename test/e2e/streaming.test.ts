import { PassThrough, Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Header, StreamableFile } from '@nestjs/common';
import { Cancelable, currentOperation, tryCurrentOperation } from 'nestjs-cancelable';
import { concat, NEVER, Observable, of } from 'rxjs';
import { deferred } from '../support/deferred.js';
import { adapters, startHttpApp } from '../support/http-app.js';
import { get, OpenAnswer, send } from '../support/http-client.js';

/** Routes whose bodies begin and go on until a test, or a cancel, ends them. */
function createStreaming(isDecorated: boolean) {
  const end = deferred();
  const subscribed = deferred();
  const closed: string[] = [];
  const operations: (string | undefined)[] = [];
  const decorate: MethodDecorator = isDecorated ? (Cancelable() as MethodDecorator) : () => {};

  async function* lines(): AsyncGenerator<string> {
    try {
      operations.push(tryCurrentOperation()?.name);
      yield 'first\n';
      await end.promise;
      operations.push(tryCurrentOperation()?.name);
      yield 'last\n';
    } finally {
      closed.push('iterable');
    }
  }

  @Controller()
  class StreamingController {
    @Get('iterable')
    @Header('content-type', 'text/plain')
    @decorate
    iterable(): AsyncIterable<string> {
      return lines();
    }

    @Get('file')
    @decorate
    async file(): Promise<StreamableFile> {
      return new StreamableFile(Readable.from(lines()), { type: 'text/plain' });
    }

    @Get('observable')
    @decorate
    observable(): Observable<string> {
      return new Observable<string>((subscriber) => {
        operations.push(tryCurrentOperation()?.name);
        subscribed.resolve();
        subscriber.next('first\n');
        void end.promise.then(() => {
          operations.push(tryCurrentOperation()?.name);
          subscriber.next('last\n');
          subscriber.complete();
        });
        return () => closed.push('observable');
      });
    }
  }
  return { end, subscribed, closed, operations, controllers: [StreamingController] };
}

describe.each(adapters)('streams of decorated handlers, over %s', (adapter) => {
  it.each(['iterable', 'file'])('%s: the operation lasts until the stream ends', async (kind) => {
    const { end, controllers, operations } = createStreaming(true);
    const { url, registry } = await startHttpApp(adapter, { controllers });
    const answer = await OpenAnswer.of(send(`${url}/${kind}`));
    await answer.until('first\n');

    expect(registry.list()).toMatchObject([{ name: `GET /${kind}`, status: 'running' }]);
    end.resolve();

    expect(await answer.end()).toEqual({ isCut: false });
    expect(answer.received).toBe('first\nlast\n');
    await registry.whenIdle();
    expect(registry.history()).toMatchObject([{ status: 'completed' }]);
    // A file's stream reads by itself, outside of the request's context.
    const name = kind === 'file' ? undefined : 'GET /iterable';
    expect(operations).toEqual([name, name]);
  });

  it.each(['iterable', 'file'])('%s: a client that leaves closes the source', async (kind) => {
    const { controllers, closed, end } = createStreaming(true);
    const { url, registry, next, clientLeft } = await startHttpApp(adapter, { controllers });
    const canceled = next('canceled');
    const request = send(`${url}/${kind}`);
    const answer = await OpenAnswer.of(request);
    await answer.until('first\n');

    request.destroy();

    expect(await canceled).toMatchObject({ name: `GET /${kind}`, reason: 'disconnect' });
    await clientLeft();
    expect(closed).toEqual([]);
    expect(registry.list()).toMatchObject([{ status: 'canceling' }]);
    end.resolve();
    await registry.whenIdle();
    expect(registry.history()).toMatchObject([{ status: 'canceled', reason: 'disconnect' }]);
    expect(closed).toEqual(['iterable']);
  });

  it.each(['iterable', 'file'])('%s: a cancel after headers cuts the body', async (kind) => {
    const { controllers, end } = createStreaming(true);
    const { url, registry } = await startHttpApp(adapter, { controllers });
    const answer = await OpenAnswer.of(send(`${url}/${kind}`));
    await answer.until('first\n');

    registry.cancelAll({});

    expect(await answer.end()).toEqual({ isCut: true });
    expect(registry.list()).toMatchObject([{ status: 'canceling' }]);
    end.resolve();
    await registry.whenIdle();
    expect(registry.history()).toMatchObject([{ status: 'canceled', reason: 'manual' }]);
    expect(registry.history()[0]!.returned).toBe(false);
  });

  it('an Observable answers with its last value, as Nest does', async () => {
    const { end, controllers, operations } = createStreaming(true);
    const { url, next, registry } = await startHttpApp(adapter, { controllers });
    const started = next('started');
    const answer = get(`${url}/observable`);
    await started;
    end.resolve();

    expect(await answer).toMatchObject({ status: 200, text: 'last\n' });
    expect(operations).toEqual(['GET /observable', 'GET /observable']);
    expect(registry.history()).toMatchObject([{ status: 'completed' }]);
  });

  it('an Observable is torn down when the client leaves', async () => {
    const { controllers, closed, subscribed } = createStreaming(true);
    const { url, next } = await startHttpApp(adapter, { controllers });
    const settled = next('settled');
    const request = send(`${url}/observable`);
    await subscribed.promise;

    request.destroy();

    expect(await settled).toMatchObject({ status: 'canceled', reason: 'disconnect' });
    expect(closed).toEqual(['observable']);
  });

  it('an Observable that is canceled is answered like any other', async () => {
    const { controllers, closed, subscribed } = createStreaming(true);
    const { url, registry } = await startHttpApp(adapter, { controllers });
    const answer = get(`${url}/observable`);
    await subscribed.promise;

    registry.cancelAll({});

    expect(await answer).toMatchObject({ status: 503, isCut: false });
    expect(closed).toEqual(['observable']);
  });
});

describe.each(adapters)('streams of undecorated handlers, over %s', (adapter) => {
  it.each(['iterable', 'file'])('%s: a client that leaves closes the source', async (kind) => {
    const { controllers, closed, end } = createStreaming(false);
    const { url, next, clientLeft } = await startHttpApp(adapter, {
      controllers,
      cancelable: { defaultTimeout: '1h' },
    });
    const settled = next('settled');
    const request = send(`${url}/${kind}`);
    const answer = await OpenAnswer.of(request);
    await answer.until('first\n');

    request.destroy();
    await clientLeft();
    end.resolve();

    expect(await settled).toMatchObject({ status: 'canceled', reason: 'disconnect' });
    expect(closed).toEqual(['iterable']);
  });
});

describe.each(adapters)('HEAD requests for streams, over %s', (adapter) => {
  it.each(['iterable', 'file'])('%s: the operation ends with the answer', async (kind) => {
    const { controllers, end } = createStreaming(true);
    const { url, next } = await startHttpApp(adapter, { controllers });
    const settled = next('settled');
    const answer = get(`${url}/${kind}`, { method: 'HEAD' });
    end.resolve();

    expect(await answer).toMatchObject({ status: 200, text: '', isCut: false });
    expect(await settled).toMatchObject({ name: `HEAD /${kind}`, status: 'completed' });
  });
});

describe.each(adapters)('what streams give before anything was sent, over %s', (adapter) => {
  it('an iterable that is canceled before its first item is answered', async () => {
    @Controller()
    class SilentController {
      @Get('silent')
      @Cancelable(200)
      async *silent(): AsyncGenerator<string> {
        await new Promise(() => {});
        yield 'never';
      }
    }
    const { url } = await startHttpApp(adapter, { controllers: [SilentController] });

    const answer = await get(`${url}/silent`);

    expect(answer).toMatchObject({ status: 504, isCut: false });
    expect(answer.json()).toEqual({
      statusCode: 504,
      message: 'The operation timed out',
      code: 'OPERATION_TIMEOUT',
    });
  });

  it('a file that is canceled before its first byte is answered, without its headers', async () => {
    const stream = new PassThrough();
    @Controller()
    class SilentController {
      @Get('silent')
      @Cancelable(200)
      async silent(): Promise<StreamableFile> {
        return new StreamableFile(stream, {
          type: 'application/pdf',
          length: 10_000,
          disposition: 'attachment; filename="report.pdf"',
        });
      }
    }
    const { url, registry } = await startHttpApp(adapter, { controllers: [SilentController] });

    const answer = await get(`${url}/silent`);

    expect(answer).toMatchObject({ status: 504, isCut: false });
    expect(answer.json()).toMatchObject({ code: 'OPERATION_TIMEOUT' });
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    expect(answer.headers['content-disposition']).toBeUndefined();
    await registry.whenIdle();
    expect(stream.destroyed).toBe(true);
    expect(registry.history()).toMatchObject([{ status: 'canceled', reason: 'timeout' }]);
  });

  it('progress and partial results of a body are those of the request', async () => {
    @Controller()
    class RowsController {
      @Get('rows')
      @Header('content-type', 'text/plain')
      @Cancelable()
      async *rows(operation = currentOperation()): AsyncGenerator<string> {
        for await (const row of operation.stream(['a', 'b', 'c'])) yield `${row}\n`;
      }
    }
    const { url, registry } = await startHttpApp(adapter, { controllers: [RowsController] });

    expect((await get(`${url}/rows`)).text).toBe('a\nb\nc\n');
    await registry.whenIdle();
    expect(registry.history()).toMatchObject([
      { name: 'GET /rows', partialResult: { count: 3, items: ['a', 'b', 'c'] } },
    ]);
  });

  it('an empty Observable and one that never ends behave as Nest says', async () => {
    @Controller()
    class ObservableController {
      @Get('endless')
      @Cancelable(200)
      endless(): Observable<string> {
        return concat(of('first'), NEVER);
      }
    }
    const { url } = await startHttpApp(adapter, { controllers: [ObservableController] });

    expect(await get(`${url}/endless`)).toMatchObject({ status: 504 });
  });
});
