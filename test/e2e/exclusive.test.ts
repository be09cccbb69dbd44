import { describe, expect, it } from '@jest/globals';
import {
  type CallHandler,
  Controller,
  Get,
  Param,
  Query,
  StreamableFile,
  UseInterceptors,
} from '@nestjs/common';
import { Cancelable } from 'nestjs-cancelable';
import { map, Observable } from 'rxjs';
import { type Deferred, deferred } from '../support/deferred.js';
import { adapters, startHttpApp } from '../support/http-app.js';
import { get, send } from '../support/http-client.js';

/** Each call of a handler waits for its own gate. */
let gates: Deferred<void>[] = [];

async function answer(text: string) {
  const gate = deferred();
  gates.push(gate);
  await gate.promise;
  return { text };
}

@Controller()
class ExclusiveController {
  @Get('search/:user')
  @Cancelable({ exclusive: { key: (user: string) => user, onConflict: 'cancel-previous' } })
  search(@Param('user') _user: string, @Query('text') text: string) {
    return answer(text);
  }

  @Get('order/:user')
  @Cancelable({ exclusive: { key: (user: string) => user, onConflict: 'reject' } })
  order(@Param('user') _user: string, @Query('text') text: string) {
    return answer(text);
  }

  @Get('refresh/:user')
  @Cancelable({ exclusive: { key: (user: string) => user, onConflict: 'skip' } })
  refresh(@Param('user') _user: string, @Query('text') text: string) {
    return answer(text);
  }

  @Get('nightly')
  @Cancelable({ exclusive: { onConflict: 'skip' } })
  nightly(@Query('text') text: string) {
    return answer(text);
  }

  @Get('summary')
  @Cancelable({ exclusive: { key: 'same for all', onConflict: 'join' } })
  summary(@Query('text') text: string) {
    return answer(text);
  }

  @Get('report/:city')
  @Cancelable({ exclusive: { key: (city: string) => city, onConflict: 'join' } })
  report(@Param('city') _city: string, @Query('text') text: string) {
    return answer(text);
  }
}

@Controller('plain')
class FileController {
  @Get('file')
  @Cancelable({ exclusive: { key: () => 'same for all', onConflict: 'join' } })
  async file(): Promise<StreamableFile> {
    await answer('file');
    return new StreamableFile(Buffer.from('the file'));
  }
}

/** What interceptors make of an answer is no part of what is shared. */
@Controller('wrapped')
@UseInterceptors({
  intercept: (_context: unknown, next: CallHandler) =>
    next.handle().pipe(map((data) => ({ data }))),
})
class WrappedController {
  @Get()
  @Cancelable({ exclusive: { onConflict: 'join' } })
  wrapped() {
    return answer('shared');
  }

  @Get('teardown')
  @Cancelable(200)
  teardown(): Observable<unknown> {
    return new Observable(() => () => {
      throw new Error('teardown');
    });
  }
}

const start = async (adapter: (typeof adapters)[number]) => {
  gates = [];
  const app = await startHttpApp(adapter, {
    controllers: [ExclusiveController, FileController, WrappedController],
  });
  const running = async (count: number) => {
    while (gates.length < count) await new Promise(setImmediate);
  };
  return { ...app, running, open: (index: number) => gates[index]?.resolve() };
};

describe.each(adapters)('exclusive handlers over %s', (adapter) => {
  it('cancel-previous: search as you type, each user for himself', async () => {
    const { url, running, open } = await start(adapter);
    const first = get(`${url}/search/ann?text=p`);
    await running(1);
    const other = get(`${url}/search/bob?text=x`);
    await running(2);
    const second = get(`${url}/search/ann?text=pa`);

    const dropped = await first;
    expect(dropped.status).toBe(409);
    expect(dropped.json()).toMatchObject({ statusCode: 409, code: 'OPERATION_SUPERSEDED' });
    await running(3);
    open(1);
    open(2);
    expect((await second).json()).toEqual({ text: 'pa' });
    expect((await other).json()).toEqual({ text: 'x' });
  });

  it('skip and join: without a key, or with a fixed one, all calls share one', async () => {
    const { url, running, open, registry } = await start(adapter);
    const first = get(`${url}/nightly?text=one`);
    await running(1);
    const skipped = await get(`${url}/nightly?text=two`);
    expect([skipped.status, skipped.text]).toEqual([200, '']);
    open(0);
    expect((await first).json()).toEqual({ text: 'one' });
    const summary = get(`${url}/summary?text=one`);
    await running(2);
    const joined = get(`${url}/summary?text=two`);
    while (registry.list().length < 2) await new Promise(setImmediate);
    open(1);
    expect((await summary).json()).toEqual({ text: 'one' });
    expect((await joined).json()).toEqual({ text: 'one' });
  });

  it('reject: the second click is a conflict, a later one is not', async () => {
    const { url, running, open, registry } = await start(adapter);
    const first = get(`${url}/order/ann?text=one`);
    await running(1);

    const second = await get(`${url}/order/ann?text=two`);
    expect(second.status).toBe(409);
    expect(second.json()).toMatchObject({ statusCode: 409, code: 'OPERATION_CONFLICT' });
    open(0);
    expect((await first).json()).toEqual({ text: 'one' });
    await registry.whenIdle();
    const third = get(`${url}/order/ann?text=three`);
    await running(2);
    open(1);
    expect((await third).json()).toEqual({ text: 'three' });
  });

  it('join: a stream flows to one, and the other is a conflict', async () => {
    const { url, running, open, registry } = await start(adapter);
    const first = get(`${url}/plain/file`);
    await running(1);
    const second = get(`${url}/plain/file`);
    while (registry.list().length < 2) await new Promise(setImmediate);
    open(0);
    expect(await first).toMatchObject({ status: 200, text: 'the file' });
    expect(await second).toMatchObject({ status: 409 });
  });

  it('skip: the second gets an empty answer, and nothing runs', async () => {
    const { url, running, open } = await start(adapter);
    const first = get(`${url}/refresh/ann?text=one`);
    await running(1);

    expect(await get(`${url}/refresh/ann?text=two`)).toMatchObject({ status: 200, text: '' });
    expect(gates).toHaveLength(1);
    open(0);
    expect((await first).json()).toEqual({ text: 'one' });
  });

  it('join: both clients get the same value', async () => {
    const { url, running, open, registry } = await start(adapter);
    const first = get(`${url}/report/Paris?text=one`);
    await running(1);
    const second = get(`${url}/report/Paris?text=two`);
    while (registry.list().length < 2) await new Promise(setImmediate);

    open(0);
    expect((await first).json()).toEqual({ text: 'one' });
    expect((await second).json()).toEqual({ text: 'one' });
    expect(gates).toHaveLength(1);
  });

  it('join: goes on for a client that waits although the one it joined has left', async () => {
    const { url, running, open, registry } = await start(adapter);
    const first = send(`${url}/report/Paris?text=first`);
    await running(1);
    const second = get(`${url}/report/Paris?text=second`);
    while (registry.list().length < 2) await new Promise(setImmediate);
    first.destroy();
    while (registry.list({ status: 'canceling' }).length === 0) await new Promise(setImmediate);
    open(0);
    await running(2);
    open(1);
    const answer = await second;
    expect([answer.status, answer.json()]).toEqual([200, { text: 'second' }]);
    const history = registry.history().map(({ status, reason }) => [status, reason]);
    expect(history).toEqual([
      ['canceled', 'disconnect'],
      ['completed', undefined],
    ]);
  });

  it('join: gives what the handler gives, and each client what its interceptors make of it', async () => {
    const { url, running, open, registry } = await start(adapter);
    const first = get(`${url}/wrapped`);
    await running(1);
    const second = get(`${url}/wrapped`);
    while (registry.list().length < 2) await new Promise(setImmediate);
    open(0);
    const answers = (await Promise.all([first, second])).map((each) => each.json());
    expect(answers).toEqual([{ data: { text: 'shared' } }, { data: { text: 'shared' } }]);
  });

  it('answers 504 although the teardown of a result throws', async () => {
    const { url, registry } = await start(adapter);
    expect(await get(`${url}/wrapped/teardown`)).toMatchObject({ status: 504 });
    expect(registry.list()).toEqual([]);
  });
});
