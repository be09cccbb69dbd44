import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { credentials, loadPackageDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { Controller } from '@nestjs/common';
import { GrpcMethod, MessagePattern, Transport } from '@nestjs/microservices';
import { Cancelable, type CancelableModuleOptions } from 'nestjs-cancelable';
import { turn } from '../support/deferred.js';
import { freePort } from '../support/servers.js';
import { startService } from './support.js';
import { closeAfterTest } from '../support/close-after-test.js';
import { message } from './tcp-message.js';

const TEXT = 'x'.repeat(100_000);
/** More than the buffers of a connection to this machine hold. */
const MANY = 300;
/** What a caller that does not read may cost, its connection's buffers included. */
const MOST_ITEMS = 200;

const protoPath = fileURLToPath(new URL('reports.proto', import.meta.url));

function createFlood() {
  const produced = { items: 0, isClosed: false };
  const item = () => {
    produced.items++;
    return { text: TEXT };
  };

  @Controller()
  class FloodController {
    @GrpcMethod('Reports')
    @Cancelable()
    async *rows({ name }: { name: string }) {
      try {
        while (name !== 'many' || produced.items < MANY) yield item();
      } finally {
        produced.isClosed = true;
      }
    }

    @MessagePattern('generated')
    @Cancelable()
    async *generated({ name }: { name: string }) {
      try {
        while (name !== 'many' || produced.items < MANY) yield item();
      } finally {
        produced.isClosed = true;
      }
    }

    @MessagePattern('undecorated')
    async *undecorated() {
      try {
        for (;;) yield item();
      } finally {
        produced.isClosed = true;
      }
    }
  }
  return { produced, metadata: { controllers: [FloodController] } };
}

/** Waits until the server makes no more. */
async function untilHeld(produced: { items: number }): Promise<void> {
  let before = -1;
  while (produced.items === 0 || before !== produced.items) {
    before = produced.items;
    for (let turns = 0; turns < 50; turns++) await turn();
  }
}

describe('a caller over TCP that reads slowly', () => {
  const start = async (streams?: CancelableModuleOptions['streams']) => {
    const flood = createFlood();
    const options = { host: '127.0.0.1', port: await freePort() };
    const service = await startService(
      { transport: Transport.TCP, options },
      flood.metadata,
      streams && { streams },
    );
    const socket = connect(options.port, options.host);
    closeAfterTest(() => socket.destroy());
    await once(socket, 'connect');
    socket.pause();
    return { ...service, ...flood, socket };
  };

  it.each(['generated', 'undecorated'])(
    'holds a generator back, and ends it if it never reads: %s',
    async (pattern) => {
      const { next, produced, socket } = await start({ patience: 300 });
      const settled = next('settled');
      socket.write(message(pattern, {}, '1'));
      expect(await settled).toMatchObject({
        status: 'canceled',
        reason: 'disconnect',
        message: 'the client does not read what it is sent',
      });
      expect(produced.isClosed).toBe(true);
      expect(produced.items).toBeLessThan(MOST_ITEMS);
    },
  );

  it('gets every item once it reads', async () => {
    const { produced, registry, socket } = await start();
    let received = 0;
    socket.on('data', (chunk) => (received += chunk.length)).pause();
    socket.write(message('generated', { name: 'many' }, '1'));
    await untilHeld(produced);
    expect(produced.items).toBeLessThan(MOST_ITEMS);
    socket.resume();
    await registry.whenIdle();
    expect(registry.history()).toMatchObject([{ status: 'completed' }]);
    while (received < MANY * TEXT.length) await once(socket, 'data');
    expect(produced.items).toBe(MANY);
  });
});

describe('a caller over gRPC that reads slowly', () => {
  const start = async (streams?: CancelableModuleOptions['streams']) => {
    const flood = createFlood();
    const url = `127.0.0.1:${await freePort()}`;
    const service = await startService(
      { transport: Transport.GRPC, options: { url, package: 'reports', protoPath } },
      flood.metadata,
      streams && { streams },
    );
    const loaded = loadPackageDefinition(loadSync(protoPath)) as any;
    const client = new loaded.reports.Reports(url, credentials.createInsecure());
    closeAfterTest(() => client.close());
    return { ...service, ...flood, client, url };
  };

  it('gets every item once it reads', async () => {
    const { client, produced, registry } = await start();
    const call = client.rows({ name: 'many' });
    await untilHeld(produced);
    expect(produced.items).toBeLessThan(MOST_ITEMS);
    let received = 0;
    for await (const { text } of call) received += text.length === TEXT.length ? 1 : 0;
    expect(received).toBe(MANY);
    await registry.whenIdle();
    expect(registry.history()).toMatchObject([{ status: 'completed' }]);
  });

  it('is given up if it never reads', async () => {
    const { next, produced, url } = await start({ patience: 300 });
    const settled = next('settled');
    // The client of @grpc/grpc-js reads on and keeps what nobody takes.
    const session = connectHttp2(`http://${url}`);
    closeAfterTest(() => session.destroy());
    const call = session.request({
      ':method': 'POST',
      ':path': '/reports.Reports/Rows',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const name = Buffer.from('endless');
    call.end(Buffer.concat([Buffer.from([0, 0, 0, 0, name.length + 2, 10, name.length]), name]));
    expect(await settled).toMatchObject({ status: 'canceled', reason: 'disconnect' });
    expect(produced.isClosed).toBe(true);
    expect(produced.items).toBeLessThan(MOST_ITEMS);
  });
});
