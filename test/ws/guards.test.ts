import { describe, expect, it } from '@jest/globals';
import { type ArgumentsHost, Catch, UseFilters, UseGuards } from '@nestjs/common';
import { BaseWsExceptionFilter, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { Cancelable, type CancelableModuleOptions } from 'nestjs-cancelable';
import { deferred, turn } from '../support/deferred.js';
import { CheckGuard, Permissions, SlowGuard } from '../support/permissions.js';
import { connect, type Library, startGatewayApp } from './clients.js';

@Catch()
class NotingFilter extends BaseWsExceptionFilter {
  static readonly caught: unknown[] = [];

  override catch(error: unknown, host: ArgumentsHost) {
    NotingFilter.caught.push(error);
    super.catch(error, host);
  }
}

@WebSocketGateway()
class GuardedGateway {
  @SubscribeMessage('check')
  @UseGuards(CheckGuard)
  check() {
    return { event: 'answer', data: 'served' };
  }

  @SubscribeMessage('live')
  @UseGuards(CheckGuard)
  @Cancelable({ onShutdown: 'ignore' })
  async live() {
    return { event: 'answer', data: 'live' };
  }

  @SubscribeMessage('slow')
  @UseGuards(SlowGuard)
  slow() {
    return { event: 'answer', data: 'served' };
  }

  @SubscribeMessage('own')
  @UseGuards(SlowGuard)
  @UseFilters(NotingFilter)
  own() {
    return { event: 'answer', data: 'served' };
  }
}

describe.each<Library>(['socket.io', 'ws'])('the failure of a guard, over %s', (library) => {
  const start = (cancelable: CancelableModuleOptions = {}) =>
    startGatewayApp(library, [GuardedGateway, Permissions], cancelable);

  it('is answered like the failure of a handler: a service without room or time', async () => {
    const host = await start({ maxLive: 1 });
    const client = await connect(library, host);
    client.send('slow', {});
    expect(await client.until('exception')).toEqual([
      { status: 'error', message: 'The operation timed out', code: 'OPERATION_TIMEOUT' },
    ]);
    host.registry.spawn('all there may be', () => deferred().promise);
    client.send('check', {});
    expect((await client.until('exception', 2))[1]).toEqual({
      status: 'error',
      message: 'The server is busy',
      code: 'OPERATION_LIMIT',
    });
    expect(host.log.find('error')).toEqual([]);
  });

  it("is left to a handler's own filter", async () => {
    NotingFilter.caught.length = 0;
    const client = await connect(library, await start());
    client.send('own', {});
    expect(await client.until('exception')).toMatchObject([{ message: 'Internal server error' }]);
    expect(NotingFilter.caught).toMatchObject([{ reason: 'timeout' }]);
  });

  it('is a refusal while the application drains, and guards still hold for what is served', async () => {
    const host = await start({ shutdown: { grace: '3s' } });
    const gate = deferred();
    host.registry.spawn('what runs', () => gate.promise);
    const closed = host.app.close();
    while (!host.registry.draining) await turn();
    const client = await connect(library, host);
    client.send('check', {});
    expect(await client.until('exception')).toEqual([
      { status: 'error', message: 'The server is shutting down', code: 'OPERATION_REFUSED' },
    ]);
    client.send('live', {});
    expect(await client.until('answer')).toEqual(['live']);
    expect(host.log.find('error')).toEqual([]);
    gate.resolve();
    await closed;
  });
});
