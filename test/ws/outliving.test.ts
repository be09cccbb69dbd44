import { describe, expect, it } from '@jest/globals';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { Cancelable, NotCancelable } from 'nestjs-cancelable';
import type { Observable } from 'rxjs';
import { turn } from '../support/deferred.js';
import { createOutlivingWork } from '../support/outliving-work.js';
import { type AnySocket, CLOSE } from './chat.gateway.js';
import { connect, type Library, startGatewayApp } from './clients.js';

describe.each<Library>(['socket.io', 'ws'])('work that outlives its client over %s', (library) => {
  it.each([
    ['observable', 'ignores', true],
    ['observable', 'excluded', true],
    ['observable', 'follows', false],
    ['iterable', 'ignores', true],
    ['iterable', 'promised', true],
    ['iterable', 'excluded', true],
    ['iterable', 'follows', false],
  ] as const)('%s, which %s: goes on to its end is %s', async (kind, how, expected) => {
    const { begun, gate, work, ...results } = createOutlivingWork({ event: 'item', data: 1 });
    const give = () => results[kind]() as Observable<unknown>;
    const sockets: AnySocket[] = [];
    @WebSocketGateway()
    class Gateway {
      handleConnection(socket: AnySocket) {
        sockets.push(socket);
      }
      @SubscribeMessage('ignores')
      @Cancelable({ onDisconnect: 'ignore' })
      ignores() {
        return give();
      }
      @SubscribeMessage('promised')
      @Cancelable({ onDisconnect: 'ignore' })
      async promised() {
        return give();
      }
      @SubscribeMessage('excluded')
      @NotCancelable()
      excluded() {
        return give();
      }
      @SubscribeMessage('follows')
      @Cancelable()
      follows() {
        return give();
      }
    }
    const host = await startGatewayApp(library, [Gateway]);
    const client = await connect(library, host);
    client.send(how, {});
    await client.until('item');
    await begun.promise;
    const left = new Promise((resolve) => sockets[0]!.once(CLOSE[library], resolve));
    client.leave();
    await left;
    await turn();
    gate.resolve();
    await turn();
    await host.registry.whenIdle();
    await turn();
    expect(work.isDone).toBe(expected);
    const outcomes = host.registry.history().map(({ status, reason }) => [status, reason]);
    const wanted = expected ? ['completed', undefined] : ['canceled', 'disconnect'];
    for (const outcome of outcomes) expect(outcome).toEqual(wanted);
    expect(host.log.find('error')).toEqual([]);
  });
});
