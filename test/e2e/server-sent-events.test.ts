import { describe, expect, it } from '@jest/globals';
import { Body, Controller, Param, Post, Sse } from '@nestjs/common';
import { Cancelable, currentOperation, OperationRegistry } from 'nestjs-cancelable';
import { concat, EMPTY, NEVER, Observable, of, throwError } from 'rxjs';
import { deferred } from '../support/deferred.js';
import { adapters, startHttpApp } from '../support/http-app.js';
import { get, OpenAnswer, post, send } from '../support/http-client.js';

function createEvents() {
  const tornDown = deferred<string>();
  const endless = (): Observable<{ data: unknown }> =>
    new Observable((subscriber) => {
      subscriber.next({ data: { step: 1 } });
      return () => tornDown.resolve('torn down');
    });

  @Controller('events')
  class EventsController {
    @Sse('decorated')
    @Cancelable()
    decorated() {
      return endless();
    }

    @Sse('undecorated')
    undecorated() {
      return endless();
    }

    @Sse('limited')
    @Cancelable(200)
    limited() {
      return endless();
    }

    @Sse('setup')
    @Cancelable()
    async setup() {
      await currentOperation().sleep(1);
      return endless();
    }

    @Sse('complete')
    @Cancelable()
    complete() {
      return of({ data: 'one' }, { data: 'two' });
    }

    @Sse('broken')
    @Cancelable()
    broken() {
      return concat(
        of({ data: 'one' }),
        throwError(() => new Error('on its own')),
      );
    }

    @Sse('silent')
    @Cancelable(200)
    silent() {
      return NEVER;
    }

    @Sse('empty')
    @Cancelable()
    empty() {
      return EMPTY;
    }
  }
  return { tornDown, controllers: [EventsController] };
}

describe.each(adapters)('server-sent events, over %s', (adapter) => {
  it.each(['decorated', 'setup'])('%s: stop when the client leaves', async (path) => {
    const { controllers, tornDown } = createEvents();
    const { url, next } = await startHttpApp(adapter, { controllers });
    const settled = next('settled');
    const request = send(`${url}/events/${path}`);
    const answer = await OpenAnswer.of(request);
    await answer.until('data: {"step":1}');

    request.destroy();

    expect(await settled).toMatchObject({
      name: `GET /events/${path}`,
      kind: 'http',
      status: 'canceled',
      reason: 'disconnect',
    });
    expect(await tornDown.promise).toBe('torn down');
  });

  it.each(['decorated', 'setup'])('%s: say why, and end, when canceled', async (path) => {
    const { controllers, tornDown } = createEvents();
    const { url, registry } = await startHttpApp(adapter, { controllers });
    const answer = await OpenAnswer.of(send(`${url}/events/${path}`));
    await answer.until('data: {"step":1}');

    registry.cancelAll({}, { message: 'internal details' });

    expect(await answer.end()).toEqual({ isCut: false });
    expect(answer.received).toContain(
      'event: canceled\n' +
        'id: 2\n' +
        'data: {"code":"OPERATION_MANUAL","message":"The operation was canceled"}\n\n',
    );
    expect(answer.received).not.toContain('internal details');
    expect(await tornDown.promise).toBe('torn down');
    await registry.whenIdle();
    expect(registry.history()).toMatchObject([{ status: 'canceled', reason: 'manual' }]);
  });

  it('say so when their time is up', async () => {
    const { controllers } = createEvents();
    const { url } = await startHttpApp(adapter, { controllers });
    const answer = await OpenAnswer.of(send(`${url}/events/limited`));

    await answer.until('event: canceled');
    expect(await answer.end()).toEqual({ isCut: false });
    expect(answer.received).toContain(
      'data: {"code":"OPERATION_TIMEOUT","message":"The operation timed out"}',
    );
  });

  it('are not limited by the default timeout once they flow', async () => {
    const { controllers } = createEvents();
    const { url, registry } = await startHttpApp(adapter, {
      controllers,
      cancelable: { defaultTimeout: 30 },
    });
    const answer = await OpenAnswer.of(send(`${url}/events/undecorated`));
    await answer.until('data: {"step":1}');
    const { startedAt } = registry.list()[0]!;

    // A timer of ours that is set after that of the default timeout fires after it.
    await new Promise((resolve) => setTimeout(resolve, 60));

    expect(Date.now() - startedAt.getTime()).toBeGreaterThan(30);
    expect(registry.list()).toMatchObject([{ status: 'running' }]);
    expect(answer.isOver).toBe(false);
  });

  it('say so when they never sent an event', async () => {
    const { controllers } = createEvents();
    const { url } = await startHttpApp(adapter, { controllers });

    const answer = await get(`${url}/events/silent`);

    // Nest sends the headers at once, not with the first event.
    expect(answer).toMatchObject({ status: 200, isCut: false });
    expect(answer.text).toContain('event: canceled\n');
    expect(answer.text).toContain('"code":"OPERATION_TIMEOUT"');
  });

  it('complete and fail as they do without the library', async () => {
    const { controllers } = createEvents();
    const { url, registry } = await startHttpApp(adapter, { controllers });

    const complete = await get(`${url}/events/complete`);
    const broken = await get(`${url}/events/broken`);
    const empty = await get(`${url}/events/empty`);

    expect(complete.text).toContain('id: 1\ndata: one\n\nid: 2\ndata: two\n\n');
    expect(broken.text).toContain('event: error');
    expect(empty.text).not.toContain('event:');
    expect(registry.history().map(({ status }) => status)).toEqual([
      'completed',
      'failed',
      'completed',
    ]);
  });

  it('show the progress of work that goes on by itself', async () => {
    const go = deferred();
    @Controller('imports')
    class ImportsController {
      constructor(private readonly operations: OperationRegistry) {}

      @Post()
      start(@Body() { name }: { name: string }) {
        const body = async () => {
          const operation = currentOperation();
          operation.reportProgress({ message: 'read', current: 1, total: 2 });
          await go.promise;
          operation.reportProgress({ message: 'stored', current: 2, total: 2 });
          return 'imported';
        };
        return { id: this.operations.spawn({ name, timeout: '10m' }, body).id };
      }

      @Sse(':id')
      watch(@Param('id') id: string) {
        return this.operations.watch(id);
      }
    }
    const { url } = await startHttpApp(adapter, { controllers: [ImportsController] });
    const { id } = (await post(`${url}/imports`, { name: 'import' })).json() as { id: string };
    const answer = await OpenAnswer.of(send(`${url}/imports/${id}`));
    await answer.until('event: state');
    go.resolve();

    expect(await answer.end()).toEqual({ isCut: false });
    const types = [...answer.received.matchAll(/^event: (\w+)$/gm)].map(([, type]) => type);
    expect(types).toEqual(['state', 'progress', 'settled']);
    expect(answer.received).toContain('"status":"completed"');
  });
});
