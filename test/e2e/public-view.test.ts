import { describe, expect, it } from '@jest/globals';
import { Controller, Delete, Get, NotFoundException, Param, Post, Sse } from '@nestjs/common';
import {
  Cancelable,
  NotCancelable,
  OperationRegistry,
  type ScopedRegistry,
} from 'nestjs-cancelable';
import { deferred } from '../support/deferred.js';
import { adapters, startHttpApp } from '../support/http-app.js';
import { get, OpenAnswer, post, send } from '../support/http-client.js';

const PUBLIC_KEYS = [
  'canceledAt',
  'code',
  'deadline',
  'durationMs',
  'endedAt',
  'id',
  'name',
  'progress',
  'reason',
  'startedAt',
  'status',
];
const PROGRESS_KEYS = ['at', 'current', 'percent', 'rate', 'remaining', 'total'];

let secrets = deferred();

/** Work whose every field holds something that is nobody's business. */
@Controller('work')
class WorkController {
  private readonly work: ScopedRegistry;

  constructor(private readonly operations: OperationRegistry) {
    this.work = operations.scoped({ name: 'work' });
  }

  @Post()
  start() {
    const metadata = { owner: 'secret owner' };
    const { id } = this.work.spawn(
      { timeout: '1h', metadata, tags: ['secret tag'] },
      async (own) => {
        own.savePartial(['secret row']);
        own.reportProgress({
          message: 'secret message',
          current: 1,
          total: 2,
          detail: 'secret detail',
        });
        await secrets.promise;
        own.reportProgress({ current: 'secret number' as never, total: 2 });
        throw new Error('postgres://secret@host');
      },
    );
    return { id };
  }

  @Get('all')
  all() {
    return this.operations.list();
  }

  @Get('nested')
  async nested() {
    return { operations: { first: this.operations.list({ name: 'work' }) } };
  }

  @Get('admin')
  @Cancelable()
  async admin() {
    const list = this.operations.list().map((operation) => operation.snapshot());
    return { list, tree: this.operations.tree() };
  }

  @Get(':id')
  one(@Param('id') id: string) {
    const operation = this.operations.get(id);
    if (operation === undefined) throw new NotFoundException();
    return operation;
  }

  @Get(':id/found')
  found(@Param('id') id: string) {
    return this.work.find(id, { view: 'public' });
  }

  @Sse(':id/events')
  @NotCancelable()
  events(@Param('id') id: string) {
    return this.work.watch(id);
  }

  @Sse(':id/everything')
  everything(@Param('id') id: string) {
    return this.work.watch(id, { view: 'full' });
  }

  @Delete(':id')
  stop(@Param('id') id: string) {
    return { canceled: this.work.cancel(id, { message: 'secret reason' }) };
  }
}

const controllers = [WorkController];

function expectPublic(operation: Record<string, unknown>): void {
  expect(PUBLIC_KEYS).toEqual(expect.arrayContaining(Object.keys(operation)));
  const progress = (operation['progress'] as object | undefined) ?? {};
  expect(PROGRESS_KEYS).toEqual(expect.arrayContaining(Object.keys(progress)));
}

/** The data of each event, by its type. */
function eventsOf(text: string): [string, any][] {
  return [...text.matchAll(/^event: (\w+)\n(?:.+\n)*?data: (.*)$/gm)].map(([, type, data]) => [
    type!,
    JSON.parse(data!),
  ]);
}

describe.each(adapters)('the public view of an operation, over %s', (adapter) => {
  async function begin() {
    secrets = deferred();
    const http = await startHttpApp(adapter, { controllers });
    const { id } = (await post(`${http.url}/work`, {})).json() as { id: string };
    return { ...http, id };
  }

  it('is all that a controller sends when it returns an operation, also in arrays and objects', async () => {
    const { url, id } = await begin();
    for (const path of [id, 'all', 'nested', `${id}/found`]) {
      const answer = await get(`${url}/work/${path}`);
      expect(answer.status).toBe(200);
      expect(answer.text).toContain(`"id":"${id}","name":"work","status":"running"`);
      expect(answer.text).not.toContain('secret');
    }
    expectPublic((await get(`${url}/work/${id}`)).json());
    for (const each of (await get(`${url}/work/all`)).json()) expectPublic(each);
  });

  it('is all that watch() sends: of what runs, of what failed, and of what is remembered', async () => {
    const { url, id, registry } = await begin();
    const answer = await OpenAnswer.of(send(`${url}/work/${id}/events`));
    await answer.until('event: state');
    secrets.resolve();
    expect(await answer.end()).toEqual({ isCut: false });
    const again = await get(`${url}/work/${id}/events`);

    for (const text of [answer.received, again.text]) {
      expect(text).not.toContain('secret');
      for (const [, data] of eventsOf(text)) expectPublic(data);
    }
    expect(eventsOf(answer.received).map(([type]) => type)).toEqual([
      'state',
      'progress',
      'settled',
    ]);
    expect(eventsOf(again.text)).toMatchObject([['settled', { id, status: 'failed' }]]);
    expect(registry.find(id)?.error?.message).toBe('postgres://secret@host');
  });

  it('has the reason and the code of a cancel, not its message', async () => {
    const { url, id } = await begin();
    const answer = await OpenAnswer.of(send(`${url}/work/${id}/events`));
    await answer.until('event: state');
    const stopped = await get(`${url}/work/${id}`, { method: 'DELETE' });
    expect(stopped.json()).toEqual({ canceled: true });
    secrets.resolve();
    await answer.end();

    expect(eventsOf(answer.received).at(-1)).toMatchObject([
      'settled',
      { status: 'canceled', reason: 'manual', code: 'OPERATION_MANUAL' },
    ]);
    expect(answer.received).not.toContain('secret');
  });

  it('is replaced by the full view for those who ask for it', async () => {
    const { url, id } = await begin();
    const answer = await OpenAnswer.of(send(`${url}/work/${id}/everything`));
    await answer.until('event: state');
    secrets.resolve();
    await answer.end();

    const [state, progress, settled] = eventsOf(answer.received).map(([, data]) => data);
    expect(state).toMatchObject({
      metadata: { owner: 'secret owner' },
      partialResult: ['secret row'],
      progress: { message: 'secret message' },
    });
    expect(progress.partialResult).toBeUndefined();
    expect(settled).toMatchObject({
      error: { message: 'postgres://secret@host' },
      partialResult: ['secret row'],
    });
  });

  it('does not change snapshots, which are as full as when they were taken', async () => {
    const { url } = await begin();
    const { list, tree } = (await get(`${url}/work/admin`)).json();
    for (const found of [list, tree]) {
      expect(found).toMatchObject([
        { name: 'work', status: 'running', metadata: { owner: 'secret owner' } },
        { name: 'GET /work/admin', status: 'running' },
      ]);
    }
  });

  it('ends a stream that an EventSource would ask for again and again', async () => {
    const { url, id } = await begin();
    secrets.resolve();
    const answer = await get(`${url}/work/${id}/events`);
    const again = await get(`${url}/work/${id}/events`);
    for (const text of [answer.text, again.text]) {
      expect(text).toMatch(/event: settled\n(?:id: .*\n)?retry: 2147483647\n/);
      expect(text.match(/retry:/g)).toHaveLength(1);
    }
    expect((await get(`${url}/work/nobody/events`)).status).toBe(404);
  });
});
