import type { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';

/** The part of mysql2 that is touched. */
export interface Mysql2Library {
  readonly Connection: {
    readonly prototype: object;
    new (options: { readonly config: ConnectionConfig }): Connection;
    createQuery(sql: string, values: unknown, done: unknown, config: object): Command;
  };
  readonly Pool: { readonly prototype: object };
  createPoolCluster(options: object): { of(pattern: string): object };
}

export interface ConnectionConfig {
  readonly host?: string;
  readonly port?: number;
  readonly socketPath?: string | undefined;
  readonly user?: string;
  readonly ssl?: unknown;
  readonly stream?: unknown;
  readonly pool?: object | undefined;
  readonly isServer?: unknown;
  readonly multipleStatements?: boolean;
}

export type Done = (error?: Error | null, ...results: unknown[]) => void;

export interface Connection extends EventEmitter {
  readonly config: ConnectionConfig;
  readonly threadId: number | null;
  readonly stream: Duplex & {
    readonly localPort?: number;
    readonly remoteAddress?: string;
    readonly remotePort?: number;
    unref?(): void;
  };
  readonly connectTimeout?: NodeJS.Timeout | null;
  readonly _commands: Queue<Command>;
  readonly _fatalError?: unknown;
  readonly _protocolError?: unknown;
  readonly _closing?: boolean;
  _command: Command | null | undefined;
  _paused: boolean;
  sequenceId: number;
  compressedSequenceId: number;
  addCommand(command: Command): Command;
  handlePacket(): void;
  resume(): void;
  connect(done: Done): void;
  query(sql: string, done: Done): unknown;
  end(): void;
  destroy(): void;
  release?(): void;
}

export interface Queue<Item> {
  readonly length: number;
  get(index: number): Item | undefined;
  removeOne(index: number): unknown;
}

/** One command of the protocol: a query, a PREPARE, an EXECUTE, or what is none of them. */
export interface Command extends EventEmitter {
  /** Absent where rows are events. */
  onResult?: Done | undefined;
  /** Begins it, with no packet, and takes each packet of the answer. Returns true at the end. */
  execute(packet: unknown, connection: Connection): boolean;
  stream?(options?: object): Duplex;
  /** Of a query, and of an EXECUTE that the library prepares itself. */
  readonly sql?: unknown;
  /** Of a PREPARE. */
  readonly query?: unknown;
  /** Of a PREPARE. */
  readonly parameterDefinitions?: unknown;
  /** Of an EXECUTE: once it is prepared. */
  readonly statement?: { readonly query?: unknown } | undefined;
  /** Of an EXECUTE. */
  readonly parameters?: unknown;
}

/** @returns false if it is not there */
export function removeFrom<Item>(queue: Queue<Item>, item: Item): boolean {
  for (let index = 0; index < queue.length; index++) {
    if (queue.get(index) !== item) continue;
    queue.removeOne(index);
    return true;
  }
  return false;
}
