import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import type { CancelationBus } from 'nestjs-cancelable';
import { closeAfterTest } from '../support/close-after-test.js';
import { deferred, rejection } from '../support/deferred.js';
import { MemoryLog } from '../support/memory-log.js';
import { OpenBus, until } from '../support/open-bus.js';
import { removeFolder } from '../support/remove-folder.js';
import { describeWith, freePort, startForTest } from '../support/servers.js';
import { itOutlivesItsServer } from '../support/session-bus-faults.js';
import { localhost } from '../support/tls.js';
import { observe } from './observe.js';

/** How a library is tested: what makes a bus for an address. */
export type CreateBus = (url: string, tls?: object) => CancelationBus;

const start = (...settings: string[]) => startForTest('redis', ...settings);

const addressOf = ({ port }: { port: number }) => `redis://127.0.0.1:${port}`;

/** What a bus does when its Redis fails, whichever library it is made of. */
export function describeFaults(title: string, create: CreateBus): void {
  describeWith(['redis'], `redisBus() by ${title}, when Redis fails`, () => {
    itOutlivesItsServer('redis', (server) => create(addressOf(server)));

    it('says that it has recovered only with all subscriptions in place', async () => {
      const server = await start();
      const channels = Array.from({ length: 50 }, (_, index) => `channel:${index}`);
      const one = await OpenBus.open(create(addressOf(server)));
      for (const channel of channels) await one.listen(channel);
      const observer = await observe(server.port);
      const counts = deferred<string[]>();
      one.onRecovered = () => {
        const names = channels.map((channel) => `cancelable:${channel}`);
        void observer.send('PUBSUB', 'NUMSUB', ...names).then(counts.resolve);
      };
      await observer.send('CLIENT', 'KILL', 'TYPE', 'pubsub');
      expect((await counts.promise).filter((each) => (each as unknown) === 1)).toHaveLength(50);
    });

    it('connects again when only one of its connections is lost', async () => {
      const server = await start();
      const one = await (await OpenBus.open(create(addressOf(server)))).listen();
      const observer = await observe(server.port);
      for (const type of ['pubsub', 'normal']) {
        const before = one.recovered;
        await observer.send('CLIENT', 'KILL', 'TYPE', type);
        await until(() => one.recovered > before);
        await one.publish(type);
        await until(() => one.heard.includes(type));
      }
    });

    it('waits for a server that was never there', async () => {
      const server = await start();
      await server.kill();
      const one = await (await OpenBus.open(create(addressOf(server)))).listen();
      expect((await rejection(one.publish('nobody'))).message).toContain('ECONNREFUSED');
      expect(one.log.warnings).toEqual([expect.stringContaining('ECONNREFUSED')]);
      await server.restart();
      await until(() => one.recovered === 1);
      await one.publish('hello');
      await until(() => one.heard.includes('hello'));
    });

    it('connects once its password is right', async () => {
      const server = await start('--requirepass', 'wrong');
      const url = `redis://:right@127.0.0.1:${server.port}`;
      const one = await (await OpenBus.open(create(url))).listen();
      const { message } = await rejection(one.publish('nobody'));
      expect(message).toMatch(/WRONGPASS|NOAUTH/);
      expect(one.log.everything.join()).not.toContain('right');
      const observer = await observe(server.port);
      await observer.send('AUTH', 'wrong');
      await observer.send('CONFIG', 'SET', 'requirepass', 'right');
      await until(() => one.recovered === 1);
      await one.publish('hello');
      await until(() => one.heard.includes('hello'));
    });

    it('says why it holds no lease when memory is full, and delivers all the same', async () => {
      const server = await start('--maxmemory', '100kb', '--maxmemory-policy', 'noeviction');
      const one = await (await OpenBus.open(create(addressOf(server)))).listen();
      await one.publish('full');
      await until(() => one.heard.includes('full'));
      expect(await one.bus.isHeard('channel')).toBe(true);
      const error = await rejection(one.bus.leases!.acquire('key', 'holder', 60_000));
      expect(error.message).toMatch(/^redisBus\(\): to acquire a lease.*OOM/);
      await (await observe(server.port)).send('CONFIG', 'SET', 'maxmemory', '0');
      expect(await one.bus.leases!.acquire('key', 'holder', 60_000)).toBeUndefined();
      expect(one.recovered).toBe(0);
    });

    it('speaks TLS', async () => {
      const port = await freePort();
      await start(...tlsSettings(port));
      const url = `rediss://localhost:${port}`;
      const refused = await OpenBus.open(create(url));
      expect((await rejection(refused.publish('nobody'))).message).toMatch(/certificate/i);
      for (const address of [url, url.replace('rediss:', 'redis:')]) {
        const one = await OpenBus.open(create(address, { ca: localhost.cert }));
        await one.listen();
        await one.publish('hello');
        await until(() => one.heard.includes('hello'));
      }
    });

    it('closes in whatever state it is, and leaves no connection', async () => {
      const server = await start();
      const observer = await observe(server.port);
      const buses = Array.from({ length: 5 }, () => create(addressOf(server)));
      const host = { log: new MemoryLog(), onRecovered: () => {} };
      const opening = buses.map((bus) => bus.open(host));
      await buses[0]!.close();
      await Promise.all([buses[1]!.close(), opening[1]]);
      await Promise.all(opening);
      await Promise.all(buses.map((bus) => bus.close()));
      await until(async () => (await observer.clients()).length === 1);
      await server.freeze();
      const frozen = create(addressOf(server));
      const open = frozen.open(host);
      await new Promise((resolve) => setImmediate(resolve));
      await frozen.close();
      await open;
      server.unfreeze();
      await until(async () => (await observer.clients()).length === 1);
    });

    it('can be opened again once it is closed, and not before', async () => {
      const server = await start();
      const bus = create(addressOf(server));
      const { heard } = await (await OpenBus.open(bus)).listen();
      expect((await rejection(OpenBus.open(bus))).message).toContain('open already');
      await bus.close();
      const again = await (await OpenBus.open(bus)).listen();
      await again.publish('hello');
      await until(() => again.heard.includes('hello'));
      expect(heard).toEqual([]);
    });
  });
}

/** How Redis is told of a certificate. */
function tlsSettings(port: number): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'redis-tls-'));
  closeAfterTest(() => removeFolder(folder));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  writeFileSync(key, localhost.key);
  writeFileSync(cert, localhost.cert);
  const settings = { port: String(port), 'key-file': key, 'cert-file': cert, 'auth-clients': 'no' };
  return Object.entries(settings).flatMap(([name, value]) => [`--tls-${name}`, value]);
}
