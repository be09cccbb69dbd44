import { describe, expect, it } from '@jest/globals';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { Cancelable, type CancelableModuleOptions } from 'nestjs-cancelable';
import { Observable } from 'rxjs';
import { turn } from '../support/deferred.js';
import { connect, type Library, startGatewayApp } from './clients.js';

const ITEM = 'x'.repeat(100_000);
/** More than the buffers of a connection to this machine hold. */
const MANY = 300;
/** What a client that does not read may cost, its connection's buffers included. */
const MOST_ITEMS = 200;

function createGateway() {
  const produced = { items: 0, isClosed: false };

  @WebSocketGateway()
  class FloodGateway {
    @SubscribeMessage('endless')
    @Cancelable()
    async *endless() {
      try {
        for (;;) yield this.item();
      } finally {
        produced.isClosed = true;
      }
    }

    @SubscribeMessage('undecorated')
    async *undecorated() {
      try {
        for (;;) yield this.item();
      } finally {
        produced.isClosed = true;
      }
    }

    @SubscribeMessage('many')
    @Cancelable()
    async *many() {
      while (produced.items < MANY) yield this.item();
    }

    @SubscribeMessage('small')
    @Cancelable()
    async *small() {
      for (let number = 1; number <= 5_000; number++) yield { event: 'number', data: number };
    }

    @SubscribeMessage('pushed')
    @Cancelable()
    pushed() {
      return new Observable((subscriber) => {
        const push = () => {
          if (subscriber.closed) return;
          subscriber.next(this.item());
          setImmediate(push);
        };
        push();
        return () => (produced.isClosed = true);
      });
    }

    private item() {
      produced.items++;
      return { event: 'item', data: ITEM };
    }
  }
  return { produced, providers: [FloodGateway] };
}

describe.each<Library>(['socket.io', 'ws'])('a client of %s that reads slowly', (library) => {
  const start = async (cancelable?: CancelableModuleOptions) => {
    const gateway = createGateway();
    const app = await startGatewayApp(library, gateway.providers, cancelable);
    return { ...app, ...gateway, client: await connect(library, app) };
  };

  it.each(['endless', 'undecorated'])(
    'holds a generator back, and ends it if it never reads: %s',
    async (message) => {
      const { client, produced, next } = await start({ streams: { patience: 300 } });
      const settled = next('settled');
      client.pause();
      client.send(message, '');
      expect(await settled).toMatchObject({
        name: message,
        status: 'canceled',
        reason: 'disconnect',
        message: 'the client does not read what it is sent',
      });
      expect(produced.isClosed).toBe(true);
      expect(produced.items).toBeLessThan(MOST_ITEMS);
    },
  );

  it('gets every item once it reads', async () => {
    const { client, produced, registry } = await start();
    client.pause();
    client.send('many', '');
    let before = -1;
    while (produced.items === 0 || before !== produced.items) {
      before = produced.items;
      for (let turns = 0; turns < 50; turns++) await turn();
    }
    expect(produced.items).toBeLessThan(MOST_ITEMS);
    client.resume();
    const items = await client.until('item', MANY);
    expect(items).toHaveLength(MANY);
    await registry.whenIdle();
    expect(registry.history()).toMatchObject([{ name: 'many', status: 'completed' }]);
  });

  it('is not waited for once it has left', async () => {
    const { client, produced, next } = await start();
    const settled = next('settled');
    client.pause();
    client.send('endless', '');
    while (produced.items < 10) await turn();
    client.leave();
    expect(await settled).toMatchObject({ status: 'canceled', reason: 'disconnect' });
  });

  it('ends an Observable, which cannot be held back, when too much waits', async () => {
    const { client, produced, next } = await start({ streams: { maxBuffered: 1_000_000 } });
    const settled = next('settled');
    client.pause();
    client.send('pushed', '');
    expect(await settled).toMatchObject({ status: 'canceled', reason: 'disconnect' });
    expect(produced.isClosed).toBe(true);
    expect(produced.items).toBeLessThan(MOST_ITEMS);
  });

  it('gets many small items in order if it reads', async () => {
    const { client } = await start();
    client.send('small', '');
    const numbers = await client.until('number', 5_000);
    expect(numbers).toEqual(Array.from({ length: 5_000 }, (_, index) => index + 1));
  });
});
