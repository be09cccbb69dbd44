import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { currentOperation, type Operation, type OperationRegistry } from 'nestjs-cancelable';
import type * as extension from 'nestjs-cancelable/redis';
import { startContext } from '../support/app-context.js';
import { deferred, isPending, rejection } from '../support/deferred.js';
import { randomNumbers } from '../support/random.js';
import { describeWith, type RunningServer, startServer } from '../support/servers.js';
import type { TestClient, TestLibrary } from './clients.js';
import { Proxy } from './proxy.js';
import { Observer } from './server.js';

type Extension = Pick<typeof extension, 'redisCommands'>;

/** Every command that blocks, with nothing there to give. WAITAOF needs Redis 7.2. */
const BLOCKING: string[][] = [
  ['BLPOP', 'none', '0'],
  ['BRPOP', 'none', 'none-2', '0'],
  ['BLMPOP', '0', '1', 'none', 'LEFT'],
  ['BZPOPMIN', 'none', '0'],
  ['BZPOPMAX', 'none', '0'],
  ['BZMPOP', '0', '1', 'none', 'MIN'],
  ['BRPOPLPUSH', 'none', 'other', '0'],
  ['BLMOVE', 'none', 'other', 'LEFT', 'RIGHT', '0'],
  ['XREAD', 'COUNT', '1', 'BLOCK', '0', 'STREAMS', 'none', '$'],
  ['XREADGROUP', 'GROUP', 'streams', 'me', 'BLOCK', '0', 'STREAMS', 'grouped', '>'],
  ['WAIT', '1', '0'],
  ['blpop', 'none', '0'],
];

/** What holds for a client of either library. */
export function describeClients(library: TestLibrary, { redisCommands }: Extension): void {
  describeWith(['redis'], `redisCommands() and ${library.name}`, () => {
    let server: RunningServer;
    let observer: Observer;
    let clients: TestClient[] = [];

    beforeAll(async () => {
      server = await startServer('redis');
      // Ids that another server has yet to give.
      for (let count = 0; count < 20; count++) (await Observer.connect(server.port)).close();
    });
    afterAll(() => server.stop());
    beforeEach(async () => {
      observer = await Observer.connect(server.port);
      await observer.send('FLUSHALL');
      await observer.send('XGROUP', 'CREATE', 'grouped', 'streams', '$', 'MKSTREAM');
    });
    afterEach(() => {
      for (const client of clients) client.close();
      clients = [];
      observer.close();
    });

    const start = () =>
      startContext(
        {},
        { extensions: [redisCommands()], shutdown: { grace: '1ms', cleanup: '10s' } },
      );
    const create = (port = server.port) => {
      const client = library.create(port);
      clients.push(client);
      return client;
    };
    const connected = async (port?: number) => {
      const client = create(port);
      await client.connect();
      return client;
    };
    /** Runs a command in an operation of its own, and waits until the server has it blocked. */
    const blocked = async (
      registry: OperationRegistry,
      call: () => Promise<unknown>,
    ): Promise<Operation> => {
      const operation = registry.spawn('wait', call);
      operation.result.catch(() => {});
      await observer.blocked();
      return operation;
    };

    it.each(BLOCKING)('interrupts %s, and the connection goes on', async (...words) => {
      const { registry } = await start();
      const client = await connected();
      const [before] = await ids(client);
      const operation = await blocked(registry, () => client.send(...words));
      const began = performance.now();
      operation.cancel({ message: 'stop pressed' });
      const error = await rejection(operation.result);
      expect(performance.now() - began).toBeLessThan(1000);
      expect(error).toBe(operation.cancelation);
      expect(error.cause.message).toMatch(/^UNBLOCKED/);
      expect(error.cause.cause).toMatchObject({ name: 'AbortError', message: 'stop pressed' });
      await observer.blocked(0);
      expect(await client.send('SET', 'key', 'value')).toBe('OK');
      expect(await ids(client)).toEqual([before]);
    });

    it('interrupts one command after the other on one connection', async () => {
      const { registry } = await start();
      const client = await connected();
      for (let round = 0; round < 30; round++) {
        const operation = await blocked(registry, () => client.popFirst('none', 0));
        operation.cancel();
        expect(await rejection(operation.result)).toBe(operation.cancelation);
        await observer.send('RPUSH', 'list', String(round));
        expect(await client.popFirst('list', 1)).toMatchObject(
          library.isNodeRedis ? { element: String(round) } : ['list', String(round)],
        );
      }
    });

    it('interrupts what is canceled before the server has it', async () => {
      const { registry } = await start();
      const client = await connected();
      for (let round = 0; round < 30; round++) {
        const operation = registry.spawn('wait', () => client.popFirst('none', 0));
        await Promise.resolve();
        operation.cancel();
        expect(await rejection(operation.result)).toBe(operation.cancelation);
      }
      await observer.blocked(0);
      expect(await client.send('PING')).toBe('PONG');
    });

    it('ends with the deadline of the operation', async () => {
      const { registry } = await start();
      const client = await connected();
      const operation = registry.spawn({ name: 'wait', timeout: 50 }, () =>
        client.popFirst('none', 0),
      );
      expect(await rejection(operation.result)).toMatchObject({ reason: 'timeout' });
    });

    it('gives the caller an error that the library knows, inside of the operation', async () => {
      const { registry } = await start();
      const client = await connected();
      const seen = deferred<any>();
      const operation = await blocked(registry, async () => {
        try {
          await client.popFirst('none', 0);
        } catch (error) {
          seen.resolve(error);
          throw error;
        }
      });
      operation.cancel();
      expect((await seen.promise).message).toMatch(/^UNBLOCKED/);
    });

    it('delivers what was handed over although it was canceled', async () => {
      const { registry } = await start();
      const client = await connected();
      const got = deferred<unknown>();
      const operation = await blocked(registry, async () => {
        got.resolve(await client.send('BLPOP', 'list', '0'));
      });
      // The server answers before it hears of the cancel.
      const pushed = observer.send('RPUSH', 'list', 'a');
      operation.cancel();
      await pushed;
      const outcome = await Promise.race([got.promise, rejection(operation.result)]);
      const left = await observer.send('LRANGE', 'list', '0', '-1');
      expect([outcome, left]).toEqual(
        left.length === 0 ? [['list', 'a'], []] : [operation.cancelation, ['a']],
      );
    });

    it('refuses commands of a scope that is canceled, but not in a shield or a cleanup', async () => {
      const { registry } = await start();
      const client = await connected();
      const answers: unknown[] = [];
      const operation = registry.spawn({ name: 'work', settle: 'wait' }, async (operation) => {
        operation.defer(async () => answers.push(await client.send('INCR', 'cleanups')));
        operation.cancel();
        answers.push(await rejection(client.send('INCR', 'refused')));
        answers.push(await rejection(client.popFirst('none', 0)));
        await operation.shield(async () => answers.push(await client.send('INCR', 'shields')));
        operation.token.throwIfCanceled();
      });
      const error = await rejection(operation.result);
      expect(error).toBe(operation.cancelation);
      expect(answers).toEqual([error, error, 1, 1]);
      expect(await observer.send('GET', 'refused')).toBeNull();
    });

    it('does not interrupt in a shield', async () => {
      const { registry } = await start();
      const client = await connected();
      const before = await observer.calls('client\\|unblock');
      const operation = await blocked(registry, () =>
        currentOperation().shield(() => client.send('BLPOP', 'list', '0')),
      );
      operation.cancel();
      await observer.send('RPUSH', 'list', 'a');
      await rejection(operation.result);
      expect(await observer.send('LLEN', 'list')).toBe(0);
      expect(await observer.calls('client\\|unblock')).toBe(before);
    });

    it('leaves what is outside of an operation alone', async () => {
      const { registry } = await start();
      const client = await connected();
      const popped = client.send('BLPOP', 'list', '0');
      await observer.blocked();
      const before = await observer.calls('client\\|info');
      registry.cancelAll({});
      await observer.send('RPUSH', 'list', 'a');
      expect(await popped).toEqual(['list', 'a']);
      expect(await observer.calls('client\\|info')).toBe(before);
    });

    it('leaves commands that do not block to themselves', async () => {
      const { registry } = await start();
      const client = await connected();
      const before = await observer.calls('client\\|unblock');
      const operation = registry.spawn('count', async (operation) => {
        const counted = client.send('INCR', 'count');
        operation.cancel();
        return [await counted, await rejection(client.send('INCR', 'count'))];
      });
      await rejection(operation.result);
      expect(await observer.send('GET', 'count')).toBe('1');
      expect(await observer.calls('client\\|unblock')).toBe(before);
    });

    it('never sends what was canceled while the client was not connected', async () => {
      const { registry } = await start();
      const client = create();
      // Nothing listens there yet.
      await server.kill();
      const connecting = client.connect().catch(() => {});
      const kept = client.send('SET', 'kept', '1');
      const operations = [
        registry.spawn('set', () => client.send('SET', 'dropped', '1')),
        registry.spawn('pop', () => client.send('BLPOP', 'list', '0')),
        registry.spawn('behind', () => client.send('SET', 'behind', '1')),
      ];
      const failures = operations.map(({ result }) => rejection(result));
      await Promise.resolve();
      for (const operation of operations) operation.cancel({ message: 'stop pressed' });
      for (const [index, error] of (await Promise.all(failures)).entries()) {
        expect(error).toBe(operations[index]!.cancelation);
        expect(error.cause).toMatchObject({ name: 'AbortError', message: 'stop pressed' });
      }
      await server.restart();
      await connecting;
      expect(await kept).toBe('OK');
      expect(await client.send('EXISTS', 'kept', 'dropped', 'behind')).toBe(1);
      expect(await client.send('PING')).toBe('PONG');
    });

    it('interrupts what was queued until the client was connected', async () => {
      const { registry } = await start();
      const client = create();
      const operation = registry.spawn('pop', () => client.send('BLPOP', 'list', '0'));
      const connecting = client.connect();
      if (library.isNodeRedis) {
        // It takes no command before it connects.
        await rejection(operation.result);
        const late = registry.spawn('pop', () => client.send('BLPOP', 'list', '0'));
        await connecting;
        await observer.blocked();
        late.cancel();
        expect(await rejection(late.result)).toBe(late.cancelation);
      } else {
        await connecting.catch(() => {});
        await observer.blocked();
        operation.cancel();
        expect(await rejection(operation.result)).toBe(operation.cancelation);
      }
      expect(await client.send('PING')).toBe('PONG');
    });

    it('survives a server that restarts while a command blocks', async () => {
      const { registry } = await start();
      const client = await connected();
      const operation = await blocked(registry, () => client.send('BLPOP', 'list', '0'));
      observer.close();
      await server.restart();
      observer = await Observer.connect(server.port);
      // ioredis sends it again to the new server, redis rejects it.
      if (!library.isNodeRedis) await observer.blocked();
      operation.cancel();
      await rejection(operation.result);
      await observer.blocked(0);
      const next = await blocked(registry, () => client.send('BLPOP', 'list', '0'));
      next.cancel();
      expect(await rejection(next.result)).toBe(next.cancelation);
      expect(await client.send('PING')).toBe('PONG');
    });

    it('drops what is canceled while its connection is lost', async () => {
      const { registry } = await start();
      const client = await connected();
      const operation = await blocked(registry, () => client.send('BLPOP', 'list', '0'));
      observer.close();
      await server.kill();
      await gone(client);
      operation.cancel();
      await rejection(operation.result);
      await server.restart();
      observer = await Observer.connect(server.port);
      expect(await client.send('PING')).toBe('PONG');
      await observer.blocked(0);
    });

    it('keeps the order of the commands behind one that blocks', async () => {
      const { registry } = await start();
      const client = await connected();
      const first = await blocked(registry, () => client.send('BLPOP', 'first', '0'));
      const second = registry.spawn('second', () => client.send('BLPOP', 'second', '0'));
      const outside = client.send('BLPOP', 'third', '0');
      const order = [
        client.send('RPUSH', 'log', 'a'),
        client.pipeline(['RPUSH', 'log', 'b'], ['RPUSH', 'log', 'c']),
        client.multi(['RPUSH', 'log', 'd'], ['RPUSH', 'log', 'e']),
        client.send('RPUSH', 'log', 'f'),
      ];
      await observer.send('RPUSH', 'third', 'x');
      first.cancel();
      await rejection(first.result);
      await observer.blocked();
      expect(await observer.send('EXISTS', 'log')).toBe(0);
      second.cancel();
      await rejection(second.result);
      expect(await outside).toEqual(['third', 'x']);
      await Promise.all(order);
      expect((await observer.send('LRANGE', 'log', '0', '-1')).join('')).toBe('abcdef');
    });

    it('drops what is canceled while it waits for another command', async () => {
      const { registry } = await start();
      const client = await connected();
      const first = await blocked(registry, () => client.send('BLPOP', 'first', '0'));
      const second = registry.spawn('second', () => client.send('BLPOP', 'second', '0'));
      const behind = registry.spawn('behind', () => client.send('INCR', 'behind'));
      const failures = [rejection(second.result), rejection(behind.result)];
      await Promise.resolve();
      behind.cancel();
      second.cancel();
      expect(await Promise.all(failures)).toEqual([second.cancelation, behind.cancelation]);
      first.cancel();
      await rejection(first.result);
      expect(await client.send('EXISTS', 'behind')).toBe(0);
      expect(await observer.calls('blpop')).toBeGreaterThan(0);
    });

    it('waits for a pipeline that blocks', async () => {
      const { registry } = await start();
      const client = await connected();
      const innocent = client.pipeline(['BLPOP', 'innocent', '0']);
      await observer.blocked();
      const operation = registry.spawn('wait', () => client.send('BLPOP', 'none', '0'));
      const failure = rejection(operation.result);
      await Promise.resolve();
      operation.cancel();
      expect(await failure).toBe(operation.cancelation);
      await observer.send('RPUSH', 'innocent', 'x');
      expect(JSON.stringify(await innocent)).toContain('"innocent","x"');
    });

    it('lets a pipeline that blocks wait', async () => {
      const { registry } = await start();
      const client = await connected();
      const operation = await blocked(registry, () => client.send('BLPOP', 'none', '0'));
      const innocent = client.pipeline(['BLPOP', 'innocent', '0']);
      operation.cancel();
      await rejection(operation.result);
      await observer.blocked();
      await observer.send('RPUSH', 'innocent', 'x');
      expect(JSON.stringify(await innocent)).toContain('"innocent","x"');
    });

    it('leaves a transaction that was begun command by command alone', async () => {
      const { registry } = await start();
      const client = await connected();
      const operation = registry.spawn('transaction', async (operation) => {
        await client.send('MULTI');
        await client.send('INCR', 'count');
        operation.cancel();
        await client.send('BLPOP', 'none', '0');
        await client.send('INCR', 'count');
        return client.send('EXEC');
      });
      await rejection(operation.result);
      await new Promise(setImmediate);
      expect(await client.send('GET', 'count')).toBe('2');
    });

    it('ties a command to its caller, whoever connected the client', async () => {
      const { registry } = await start();
      const client = create();
      const connecting = deferred();
      const leaving = deferred();
      const first = registry.spawn('first', async () => {
        await client.connect();
        connecting.resolve();
        await leaving.promise;
      });
      await connecting.promise;
      first.cancel();
      const failure = rejection(first.result);
      // Its body still runs, and the client reconnects in its context.
      await observer.send('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      await gone(client);
      const second = registry.spawn('second', () => client.send('INCR', 'count'));
      expect(await second.result).toBe(1);
      leaving.resolve();
      expect(await failure).toBe(first.cancelation);
    });

    // node-redis may give up when the server resets a connection while it greets it.
    if (!library.isNodeRedis) {
      it('survives a server that restarts while others wait behind a command', async () => {
        const { registry } = await start();
        const client = await connected();
        const first = await blocked(registry, () => client.send('BLPOP', 'first', '0'));
        const second = registry.spawn('second', () => client.send('BLPOP', 'second', '0'));
        const failures = [rejection(first.result), rejection(second.result)];
        const behind = client.send('INCR', 'behind');
        observer.close();
        await server.restart();
        observer = await Observer.connect(server.port);
        await observer.blocked();
        first.cancel();
        await failures[0];
        await observer.blocked();
        expect(await observer.send('EXISTS', 'behind')).toBe(0);
        second.cancel();
        expect(await failures[1]).toBe(second.cancelation);
        expect(await behind).toBe(1);
      });
    }

    it('puts the methods back, whichever application closes first', async () => {
      const before = library.originals();
      for (const order of [
        [0, 1],
        [1, 0],
      ]) {
        const apps = [await start(), await start()];
        const client = await connected();
        expect(library.originals()).not.toEqual(before);
        for (const index of order) {
          const { app, registry } = apps[index]!;
          const operation = await blocked(registry, () => client.send('BLPOP', 'none', '0'));
          operation.cancel();
          expect(await rejection(operation.result)).toBe(operation.cancelation);
          await app.close();
          expect(await registry.run('late', () => client.send('PING'))).toBe('PONG');
        }
        expect(library.originals()).toEqual(before);
        // Its own connections are closed too.
        for (const known = await ids(client); ;) {
          const all = await observer.clients();
          if (all.length === known.length + clients.length) break;
        }
      }
    });

    it('interrupts nothing for an application that did not ask for it', async () => {
      await start();
      const other = await startContext({});
      const client = await connected();
      const operation = await blocked(other.registry, () => client.send('BLPOP', 'list', '0'));
      operation.cancel();
      await observer.send('RPUSH', 'list', 'a');
      await rejection(operation.result);
      expect(await observer.send('LLEN', 'list')).toBe(0);
    });

    it('says so when it is not allowed to interrupt', async () => {
      const { registry, log } = await start();
      const client = await connected();
      await observer.send('ACL', 'SETUSER', 'default', '-client|unblock');
      try {
        const operation = await blocked(registry, () => client.send('BLPOP', 'list', '0'));
        operation.cancel();
        while (log.find('warn', 'NOPERM').length === 0) {
          await new Promise(setImmediate);
        }
        await observer.send('RPUSH', 'list', 'a');
        await rejection(operation.result);
      } finally {
        await observer.send('ACL', 'SETUSER', 'default', '+@all');
      }
    });

    it('is over only when nothing can be unblocked any more', async () => {
      const { registry } = await start();
      const proxy = await Proxy.start(server.port);
      try {
        const client = await connected(proxy.port);
        const got = deferred<unknown>();
        const operation = await blocked(registry, async () => {
          got.resolve(await client.send('BLPOP', 'list', '0'));
        });
        const held = proxy.holdUnblock();
        operation.cancel();
        await held;
        await observer.send('RPUSH', 'list', 'a');
        const innocent = client.send('BLPOP', 'innocent', '0');
        innocent.catch(() => {});
        const ping = client.send('PING');
        // Time enough for the innocent one to be sent, if it were.
        for (let looks = 0; looks < 50; looks++) await observer.blocked(0);
        expect(await isPending(got.promise)).toBe(true);
        proxy.release();
        expect(await got.promise).toEqual(['list', 'a']);
        await observer.blocked();
        await observer.send('RPUSH', 'innocent', 'b');
        expect(await innocent).toEqual(['innocent', 'b']);
        expect(await ping).toBe('PONG');
      } finally {
        proxy.close();
      }
    });

    it('never unblocks a client of the same id on another server', async () => {
      const { registry } = await start();
      const proxy = await Proxy.start(server.port);
      const other = await startServer('redis');
      const watcher = await Observer.connect(other.port);
      try {
        const client = await connected(proxy.port);
        const [id] = await ids(client);
        const namesake = await withId(other.port, Number(id));
        const innocent = namesake.send('BLPOP', 'innocent', '0');
        await watcher.blocked();
        const operation = await blocked(registry, () => client.send('BLPOP', 'none', '0'));
        const before = await watcher.calls('client\\|list');
        proxy.target = other.port;
        operation.cancel();
        while ((await watcher.calls('client\\|list')) < before + 3);
        await watcher.blocked();
        proxy.target = server.port;
        proxy.cut(other.port);
        expect(await rejection(operation.result)).toBe(operation.cancelation);
        await watcher.send('RPUSH', 'innocent', 'x');
        expect(await innocent).toEqual(['innocent', 'x']);
        namesake.close();
      } finally {
        watcher.close();
        proxy.close();
        await other.stop();
      }
    });

    it('never loses an element, nor hits an innocent command', async () => {
      const { registry } = await start();
      const shared = await connected();
      const random = randomNumbers(42);
      const pushed = 1500;
      const delivered: string[] = [];
      let canceled = 0;
      let stop = false;
      const pop = async (list: string) => {
        const operation = registry.spawn('pop', async () => {
          const answer: [string, string] | null = await shared.send('BLPOP', list, '0');
          if (answer !== null) delivered.push(answer[1]);
        });
        const settled = operation.result.catch(() => canceled++);
        for (let turns = Math.floor(random() * 12); turns > 0; turns--) {
          await new Promise(setImmediate);
        }
        operation.cancel();
        await settled;
      };
      // Blocks on the same connection outside of any operation: must get what it waits for.
      const innocent = async () => {
        for (let count = 0; !stop; count++) {
          const answered = shared.send('BLPOP', 'innocent', '0');
          await observer.send('RPUSH', 'innocent', String(count));
          expect(await answered).toEqual(['innocent', String(count)]);
        }
      };
      const consume = async () => {
        while (!stop) await pop('list');
      };
      const produce = async () => {
        const producer = await Observer.connect(server.port);
        for (let count = 0; count < pushed; count++) {
          await producer.send('RPUSH', 'list', String(count));
          if (random() < 0.3) await new Promise(setImmediate);
        }
        producer.close();
        stop = true;
      };
      await Promise.all([produce(), innocent(), consume(), consume()]);
      const left: string[] = await observer.send('LRANGE', 'list', '0', '-1');
      const all = [...delivered, ...left].sort((a, b) => Number(a) - Number(b));
      expect(all).toEqual(Array.from({ length: pushed }, (_, index) => String(index)));
      expect(canceled).toBeGreaterThan(10);
      expect(delivered.length).toBeGreaterThan(10);
    });

    const ids = async (client: TestClient): Promise<string[]> => [
      String(await client.send('CLIENT', 'ID')),
    ];
  });
}

/** A client that a fresh server has given this id, which counts them. */
async function withId(port: number, id: number): Promise<Observer> {
  for (;;) {
    const client = await Observer.connect(port);
    const own: number = await client.send('CLIENT', 'ID');
    if (own === id) return client;
    client.close();
    if (own > id) throw new Error(`The server gives no id ${id} any more`);
  }
}

/** Resolves when a client has noticed that its connection is lost. */
async function gone(client: TestClient): Promise<void> {
  const raw = client.raw as { status?: string; isReady?: boolean };
  while (raw.status === 'ready' || raw.isReady === true) await new Promise(setImmediate);
}
