import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { CancelationBus } from 'nestjs-cancelable';
import { natsBus } from 'nestjs-cancelable/nats';
import { checkCancelationBus } from 'nestjs-cancelable/testing';
import { closeAfterTest } from '../support/close-after-test.js';
import { rejection, thrown } from '../support/deferred.js';
import { OpenBus, succeeds, until } from '../support/open-bus.js';
import { runFixture } from '../support/fixture.js';
import { compiled } from '../support/plain-node.js';
import { localhost } from '../support/tls.js';
import {
  describeWith,
  freePort,
  type RunningServer,
  startForTest,
  startServer,
} from '../support/servers.js';
import { itOutlivesItsServer } from '../support/session-bus-faults.js';

describeWith(['nats'], 'natsBus()', () => {
  let server: RunningServer;
  let connection: NatsConnection;
  beforeAll(async () => {
    server = await startServer('nats');
    connection = await connect({ servers: `127.0.0.1:${server.port}` });
  });
  afterAll(async () => {
    await connection.close();
    await server.stop();
  });

  describe.each<[string, () => CancelationBus]>([
    ['servers', () => natsBus({ servers: `127.0.0.1:${server.port}` })],
    ['a connection', () => natsBus({ connection, prefix: 'reports.test' })],
  ])('by %s', (_way, createBus) => {
    for (const { name, run } of checkCancelationBus(createBus)) it(name, run);
  });
});

const path = (file: string) => compiled(new URL(file, import.meta.url));

const start = (...settings: string[]) => startForTest('nats', ...settings);

const addressOf = ({ port }: { port: number }) => `127.0.0.1:${port}`;

describeWith(['nats'], 'natsBus(), when NATS fails', () => {
  describe.each<[string, (servers: string) => CancelationBus | Promise<CancelationBus>]>([
    ['servers', (servers) => natsBus({ servers })],
    [
      'a connection',
      async (servers) => {
        const connection = await connect({
          servers,
          maxReconnectAttempts: -1,
          reconnectTimeWait: 100,
        });
        closeAfterTest(() => connection.close());
        return natsBus({ connection });
      },
    ],
  ])('by %s', (_way, create) => {
    itOutlivesItsServer('nats', (server) => create(addressOf(server)));
  });

  it('hears of an instance that is frozen, and not of one that was killed', async () => {
    const server = await start();
    const one = await OpenBus.open(natsBus({ servers: addressOf(server) }));
    // A process that is frozen listens, and answers nothing.
    const frozen = await connect({ servers: addressOf(server) });
    closeAfterTest(() => frozen.close());
    frozen.subscribe('cancelable.channel', { callback: () => {} });
    await frozen.flush();
    expect(await one.bus.isHeard('channel')).toBe(true);
    await frozen.close();
    // The server hears of it in its time.
    await until(async () => (await one.bus.isHeard('channel')) === false);
  });

  it('waits for a server that was never there', async () => {
    const server = await start();
    await server.kill();
    const one = await (await OpenBus.open(natsBus({ servers: addressOf(server) }))).listen();
    expect((await rejection(one.publish('nobody'))).message).toContain('ECONNREFUSED');
    await server.restart();
    await until(() => one.recovered === 1);
    await one.publish('hello');
    await until(() => one.heard.includes('hello'));
  });

  it('connects to whichever of its servers is there', async () => {
    const [gone, frozen, server] = [await start(), await start(), await start()];
    await gone.kill();
    await frozen.freeze();
    closeAfterTest(() => frozen.unfreeze());
    const servers = [gone, frozen, server].map(addressOf);
    const one = await (await OpenBus.open(natsBus({ servers }))).listen();
    await until(succeeds(() => one.publish('hello')));
    await until(() => one.heard.includes('hello'));
  });

  it('connects once its password is right', async () => {
    const server = await start('--user', 'bus', '--pass', 'right');
    const servers = addressOf(server);
    const wrong = await OpenBus.open(natsBus({ servers, user: 'bus', pass: 'wrong' }));
    expect((await rejection(wrong.publish('nobody'))).message).toMatch(/authorization violation/i);
    // It goes on trying, and tells of it once.
    expect(wrong.log.warnings).toHaveLength(1);
    const one = await OpenBus.open(natsBus({ servers, user: 'bus', pass: 'right' }));
    await one.listen();
    await one.publish('hello');
    await until(() => one.heard.includes('hello'));
  });

  it('speaks TLS', async () => {
    const { folder } = await start();
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    writeFileSync(key, localhost.key);
    writeFileSync(cert, localhost.cert);
    const server = await start('--tls', '--tlskey', key, '--tlscert', cert);
    const servers = `localhost:${server.port}`;
    const refused = await OpenBus.open(natsBus({ servers }));
    expect((await rejection(refused.publish('nobody'))).message).toMatch(/certificate/i);
    const one = await OpenBus.open(natsBus({ servers, tls: { ca: localhost.cert } }));
    await one.listen();
    await one.publish('hello');
    await until(() => one.heard.includes('hello'));
  });

  it('refuses a message that the server would not take', async () => {
    const server = await start();
    const one = await (await OpenBus.open(natsBus({ servers: addressOf(server) }))).listen();
    expect((await rejection(one.publish('x'.repeat(2_000_000)))).message).toMatch(/max_payload/i);
    await one.publish('small');
    await until(() => one.heard.includes('small'));
    expect(one.recovered).toBe(0);
  });
});

describeWith(['nats'], 'natsBus() and a connection that is given', () => {
  it('leaves it open, without what it has subscribed to', async () => {
    const server = await start();
    const connection = await connect({ servers: addressOf(server) });
    closeAfterTest(() => connection.close());
    const { bus } = await (await OpenBus.open(natsBus({ connection }))).listen();
    await bus.close();
    expect(connection.isClosed()).toBe(false);
    const error = await rejection(connection.request('cancelable.channel', '', { timeout: 5_000 }));
    expect(error.isNoResponders()).toBe(true);
  });

  it('says that it was closed', async () => {
    const server = await start();
    const connection = await connect({ servers: addressOf(server) });
    const one = await OpenBus.open(natsBus({ connection }));
    await connection.close();
    await until(() => one.log.warnings.some((line) => line.includes('is closed')));
    expect((await rejection(one.publish('nobody'))).message).toMatch(/closed|lost/);
  });
});

describeWith(['nats'], 'natsBus() and the process', () => {
  it.each(['there', 'gone', 'frozen'])('keeps none alive while its server is %s', async (state) => {
    const server = await start();
    if (state === 'frozen') await server.freeze();
    const port = state === 'gone' ? await freePort() : server.port;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [path('bus-exit.fixture.ts'), String(port)],
      { timeout: 30_000 },
    );
    expect(stdout.trim()).toBe(state === 'there' ? 'heard' : 'not heard');
    server.unfreeze();
  });
});

describe('the options of natsBus()', () => {
  const create = natsBus as (options?: unknown) => unknown;
  const connection = {
    publish() {},
    subscribe() {},
    request() {},
    flush() {},
    status() {},
    options: { noEcho: true },
  };

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'an options object'],
    ['neither', {}, 'give either a connection or servers'],
    ['an object', { connection: {} }, 'a connection of @nats-io/transport-node'],
    ['a deaf connection', { connection }, 'noEcho'],
    ['no servers', { servers: [] }, "an address such as 'localhost:4222'"],
    ['no address', { servers: 'a b' }, "'a b' is not allowed"],
    ['a port', { servers: 4222 }, '4222 is not allowed'],
    ['a prefix', { servers: 'localhost', prefix: 'a..b' }, "'a..b' is not allowed"],
    ['a wildcard', { servers: 'localhost', prefix: 'a.>' }, "'a.>' is not allowed"],
    ['an authenticator', { servers: 'localhost', authenticator: {} }, 'an authenticator'],
    ['tls', { servers: 'localhost', tls: true }, 'options of the library for TLS'],
    ['another option', { servers: 'localhost', reconnect: false }, "no option 'reconnect'"],
    [
      'a user for a connection',
      { connection: { ...connection, options: {} }, user: 'me' },
      'user is for servers',
    ],
  ])('refuse %s', (_what, options, message) => {
    const error = thrown(() => create(options));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain(message);
  });

  it('say what to install', async () => {
    expect(await runFixture(new URL('no-nats.fixture.ts', import.meta.url))).toEqual({
      message:
        'natsBus() needs the package @nats-io/transport-node: npm install @nats-io/transport-node',
    });
  });
});
