import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Injectable, Param, Sse } from '@nestjs/common';
import { Cancelable, OperationRegistry } from 'nestjs-cancelable';
import { lastValueFrom, merge } from 'rxjs';
import { deferred } from '../support/deferred.js';
import { adapters, startHttpApp } from '../support/http-app.js';
import { get, OpenAnswer, send } from '../support/http-client.js';

@Injectable()
class Imports {
  constructor(private readonly registry: OperationRegistry) {}

  @Cancelable()
  watch(id: string) {
    return this.registry.watch(id);
  }
}

@Controller('watch')
class WatchController {
  constructor(
    private readonly registry: OperationRegistry,
    private readonly imports: Imports,
  ) {}

  @Sse('plain/:id')
  plain(@Param('id') id: string) {
    return this.registry.watch(id);
  }

  @Sse('both/:id/:other')
  both(@Param('id') id: string, @Param('other') other: string) {
    return merge(this.registry.watch(id), this.registry.watch(other));
  }

  @Get('json/:id')
  json(@Param('id') id: string) {
    return lastValueFrom(this.registry.watch(id));
  }

  @Sse('decorated/:id')
  @Cancelable()
  decorated(@Param('id') id: string) {
    return this.imports.watch(id);
  }
}

describe.each(adapters)('an EventSource that comes back after the outcome, over %s', (adapter) => {
  it.each(['plain', 'decorated'])('is answered 204, which ends it (%s)', async (path) => {
    const { url, registry } = await startHttpApp(adapter, {
      controllers: [WatchController],
      providers: [Imports],
    });
    const operation = registry.spawn('import', async () => 'done');
    await operation.result;
    const watch = (lastEventId?: string) =>
      get(`${url}/watch/${path}/${operation.id}`, {
        headers: lastEventId === undefined ? {} : { 'last-event-id': lastEventId },
      });

    const first = await watch();
    expect(first.status).toBe(200);
    const id = /^id: (.*)$/m.exec(first.text)?.[1];
    const again = await watch(id);
    expect([again.status, again.text]).toEqual([204, '']);

    const other = registry.spawn('import', async () => 'done');
    await other.result;
    for (const seen of ['1', `settled:${other.id}`]) {
      const replayed = await watch(seen);
      expect(replayed.status).toBe(200);
      expect(replayed.text).toContain('event: settled');
    }
  });

  it('is served where there is more to tell, or no stream', async () => {
    const { url, registry } = await startHttpApp(adapter, {
      controllers: [WatchController],
      providers: [Imports],
    });
    const ended = registry.spawn('ended', async () => 'done');
    await ended.result;
    const headers = { 'last-event-id': `settled:${ended.id}` };

    const json = await get(`${url}/watch/json/${ended.id}`, { headers });
    expect([json.status, json.json().type]).toEqual([200, 'settled']);

    const body = deferred();
    const running = registry.spawn('running', () => body.promise);
    const both = await OpenAnswer.of(
      send(`${url}/watch/both/${ended.id}/${running.id}`, { headers }),
    );
    await both.until('event: state');
    expect(both.received).toContain('event: settled');
    body.resolve();
    expect(await both.end()).toEqual({ isCut: false });
    expect(both.received.match(/event: settled/g)).toHaveLength(2);
  });
});
