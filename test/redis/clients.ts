import type { Redis, RedisOptions } from 'ioredis';
import type * as nodeRedis from 'redis';

/** A client of either library, as far as the tests are concerned. */
export interface TestClient {
  /** The client of the library. */
  readonly raw: object;
  /** One command, by its words. */
  send(...words: string[]): Promise<any>;
  /** Several commands in one go, without a transaction. */
  pipeline(...commands: string[][]): Promise<unknown>;
  multi(...commands: string[][]): Promise<unknown>;
  /** Calls a method for a list: what users write. */
  popFirst(key: string, seconds: number): Promise<unknown>;
  /** Does not wait for a connection. */
  connect(): Promise<unknown>;
  close(): void;
}

export interface TestLibrary {
  readonly name: string;
  readonly isNodeRedis: boolean;
  /** The methods that the extension replaces. */
  originals(): unknown[];
  /** A client that is not connected yet. */
  create(port: number): TestClient;
}

export function ioredisLibrary(
  name: string,
  library: { Redis: new (options: RedisOptions) => Redis } & Record<string, any>,
): TestLibrary {
  const { Redis, Cluster, Pipeline } = library as any;
  return {
    name,
    isNodeRedis: false,
    originals: () => [
      Redis.prototype.sendCommand,
      Pipeline.prototype.exec,
      Cluster.prototype.sendCommand,
    ],
    create(port) {
      const raw: Redis = new Redis({
        port,
        host: '127.0.0.1',
        lazyConnect: true,
        maxRetriesPerRequest: null,
        retryStrategy: () => 20,
      });
      raw.on('error', () => {});
      const named = (commands: string[][]) =>
        commands.map(([command, ...args]) => [command!.toLowerCase(), ...args]);
      return {
        raw,
        send: (command, ...args) => raw.call(command, ...args),
        pipeline: (...commands) => raw.pipeline(named(commands)).exec(),
        multi: (...commands) => raw.multi(named(commands)).exec(),
        popFirst: (key, seconds) => raw.blpop(key, seconds),
        connect: () => raw.connect(),
        close: () => raw.disconnect(),
      };
    },
  };
}

export function nodeRedisLibrary(name: string, library: typeof nodeRedis): TestLibrary {
  const prototypeWith = (instance: object, method: string): any => {
    let owner = instance;
    while (!Object.hasOwn(owner, method)) owner = Object.getPrototypeOf(owner) as object;
    return owner;
  };
  return {
    name,
    isNodeRedis: true,
    originals() {
      const client = prototypeWith(library.createClient({}), 'sendCommand');
      const pool = prototypeWith(library.createClientPool({}), 'execute');
      return [client.sendCommand, client._executePipeline, client._executeMulti, pool.execute];
    },
    create(port) {
      const raw = library.createClient({
        socket: { port, host: '127.0.0.1', reconnectStrategy: () => 20 },
      });
      raw.on('error', () => {});
      const batch = (commands: string[][]) => {
        const multi = raw.multi();
        for (const command of commands) multi.addCommand(command);
        return multi;
      };
      return {
        raw,
        send: (...words) => raw.sendCommand(words),
        pipeline: (...commands) => batch(commands).execAsPipeline(),
        multi: (...commands) => batch(commands).exec(),
        popFirst: (key, seconds) => raw.blPop(key, seconds),
        connect: () => raw.connect(),
        close: () => {
          if (raw.isOpen) raw.destroy();
        },
      };
    },
  };
}
