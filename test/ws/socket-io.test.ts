import { describe, expect, it } from '@jest/globals';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { Cancelable, currentOperation } from 'nestjs-cancelable';
import { deferred } from '../support/deferred.js';
import { connectSocket, startGatewayApp } from './clients.js';
import { describeDisconnects } from './disconnect-behaviour.js';
import { describeMessages } from './message-behaviour.js';

describeMessages('socket.io');
describeDisconnects('socket.io');

describe('acknowledgements of socket.io', () => {
  const gate = deferred<string>();

  @WebSocketGateway()
  class AckGateway {
    @SubscribeMessage('name')
    @Cancelable()
    async name() {
      return currentOperation().name;
    }

    @SubscribeMessage('brief')
    @Cancelable(200)
    async brief() {
      return gate.promise;
    }
  }

  it('carry what the handler gives', async () => {
    const socket = await connectSocket(await startGatewayApp('socket.io', [AckGateway]));
    expect(await socket.emitWithAck('name', 'data')).toBe('name');
  });

  it('are not sent for a canceled operation: an exception comes instead', async () => {
    const socket = await connectSocket(await startGatewayApp('socket.io', [AckGateway]));
    const exception = new Promise((resolve) => socket.once('exception', resolve));
    let acknowledged = false;
    socket.emit('brief', 'data', () => (acknowledged = true));
    expect(await exception).toEqual({
      status: 'error',
      message: 'The operation timed out',
      code: 'OPERATION_TIMEOUT',
    });
    expect(acknowledged).toBe(false);
  });
});
