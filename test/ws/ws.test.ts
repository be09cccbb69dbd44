import { describe, expect, it } from '@jest/globals';
import { type CanActivate, type ExecutionContext, UseGuards } from '@nestjs/common';
import { WsAdapter } from '@nestjs/platform-ws';
import {
  type MessageMappingProperties,
  SubscribeMessage,
  WebSocketGateway,
} from '@nestjs/websockets';
import { Cancelable, CancelationToken, CancelToken, NotCancelable } from 'nestjs-cancelable';
import type { Observable } from 'rxjs';
import type { WebSocket } from 'ws';
import { turn } from '../support/deferred.js';
import { startHttpApp } from '../support/http-app.js';
import { connect, startGatewayApp } from './clients.js';
import { describeDisconnects } from './disconnect-behaviour.js';
import { describeMessages } from './message-behaviour.js';

describeMessages('ws');
describeDisconnects('ws');

describe('a ws client that is leaving when its message is about to be handled', () => {
  class ClosingGuard implements CanActivate {
    canActivate(context: ExecutionContext) {
      context.switchToWs().getClient<WebSocket>().close();
      return true;
    }
  }

  it.each([
    ['followed', [{ name: 'followed', status: 'canceled', reason: 'disconnect' }]],
    ['untouched', []],
  ])('starts nothing for %s', async (event, history) => {
    let calls = 0;
    @WebSocketGateway()
    @UseGuards(ClosingGuard)
    class ClosingGateway {
      @SubscribeMessage('followed')
      @Cancelable()
      async followed() {
        calls++;
      }

      @SubscribeMessage('untouched')
      @NotCancelable()
      async untouched() {
        calls++;
      }
    }
    const app = await startGatewayApp('ws', [ClosingGateway]);
    const client = await connect('ws', app);
    client.send(event, '');
    await client.closed;
    await turn();
    expect(calls).toBe(0);
    expect(app.registry.history()).toMatchObject(history);
    expect(app.registry.list()).toEqual([]);
  });
});

describe('a gateway whose adapter lets nobody know', () => {
  /** Nest's own adapters let go of a client's messages with it; this one does not. */
  class PlainAdapter extends WsAdapter {
    override bindMessageHandlers(
      client: WebSocket,
      handlers: MessageMappingProperties[],
      transform: (data: unknown) => Observable<unknown>,
    ): void {
      client.on('message', (text: Buffer) => {
        const { event, data } = JSON.parse(text.toString()) as { event: string; data: unknown };
        const handler = handlers.find(({ message }) => message === event);
        transform(handler?.callback(data, event)).subscribe();
      });
    }
  }

  it('stops with its client all the same', async () => {
    @WebSocketGateway()
    class WaitingGateway {
      @SubscribeMessage('wait')
      @Cancelable()
      async wait(@CancelToken() token: CancelationToken) {
        await token.sleep('1h');
      }
    }
    const app = await startHttpApp('Express', {
      providers: [WaitingGateway],
      configure: (nest) => nest.useWebSocketAdapter(new PlainAdapter(nest)),
    });
    const started = app.next('started');
    const settled = app.next('settled');
    const client = await connect('ws', app);
    client.send('wait', '');
    await started;
    client.leave();
    expect(await settled).toMatchObject({ status: 'canceled', reason: 'disconnect' });
  });
});
