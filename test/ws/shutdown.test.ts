import { describe, expect, it } from '@jest/globals';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { Cancelable, currentOperation } from 'nestjs-cancelable';
import { deferred, turn } from '../support/deferred.js';
import { connect, type Library, startGatewayApp } from './clients.js';

const libraries: readonly Library[] = ['socket.io', 'ws'];

describe.each(libraries)('A shutdown of a gateway over %s', (library) => {
  it('answers what finishes, refuses what comes, and cancels the rest before it disconnects', async () => {
    const entered = [deferred(), deferred()];
    const gate = deferred();
    const answer = (data: string) => ({ event: 'answer', data });
    @WebSocketGateway()
    class Gateway {
      @SubscribeMessage('slow')
      @Cancelable()
      async slow() {
        entered[0]?.resolve();
        await gate.promise;
        return answer('slow');
      }
      @SubscribeMessage('endless')
      @Cancelable()
      async endless() {
        entered[1]?.resolve();
        await currentOperation().sleep('1h');
      }
      @SubscribeMessage('plain')
      plain() {
        return answer('plain');
      }
      @SubscribeMessage('live')
      @Cancelable({ onShutdown: 'ignore' })
      async live() {
        return answer('live');
      }
    }
    const host = await startGatewayApp(library, [Gateway], { shutdown: { grace: '3s' } });
    const client = await connect(library, host);
    client.send('slow', {});
    client.send('endless', {});
    await Promise.all(entered.map(({ promise }) => promise));
    const closed = host.app.close();
    while (!host.registry.draining) await turn();

    const other = await connect(library, host);
    for (const event of ['plain', 'slow', 'live']) other.send(event, {});
    const refused = await other.until('exception', 2);
    for (const each of refused) expect(each).toMatchObject({ code: 'OPERATION_REFUSED' });
    expect(await other.until('answer')).toEqual(['live']);
    gate.resolve();
    expect(await client.until('answer')).toEqual(['slow']);
    expect(await client.until('exception')).toMatchObject([{ code: 'OPERATION_SHUTDOWN' }]);
    await closed;
    await client.closed;
  });

  it('lets handleDisconnect() clean up before any module is destroyed, and waits for it', async () => {
    const order: string[] = [];
    @WebSocketGateway()
    class Gateway {
      @SubscribeMessage('plain')
      plain() {
        return { event: 'answer', data: 'plain' };
      }
      async handleDisconnect() {
        order.push('left');
        await turn();
        order.push('cleaned up');
      }
    }
    @Injectable()
    class Store implements OnModuleDestroy {
      onModuleDestroy() {
        order.push('store closed');
      }
    }
    const host = await startGatewayApp(library, [Gateway, Store], { shutdown: { grace: '1s' } });
    const client = await connect(library, host);
    client.send('plain', {});
    await client.until('answer');
    await host.app.close();
    await client.closed;
    expect(order).toEqual(['left', 'cleaned up', 'store closed']);
  });
});
