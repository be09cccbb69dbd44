import { describe, expect, it } from '@jest/globals';
import { type CanActivate, type ExecutionContext, UseGuards } from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { Cancelable, NotCancelable } from 'nestjs-cancelable';
import type { WebSocket } from 'ws';
import { turn } from '../support/deferred.js';
import { connect, startGatewayApp } from './clients.js';
import { describeGateways } from './gateway-behaviour.js';

describeGateways('ws');

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
