import { callingScope } from '../operation/calling-scope.js';
import { SharedMethod, undoing } from '../scope/shared-method.js';
import { ClientState, type RedisConnection, type RedisSettings } from './client-state.js';
import { isOfConnection, mayBlock, OpenTransactions } from './command-kinds.js';
import { Turn } from './connection-gate.js';
import { type CommandPort, TiedCommand } from './tied-command.js';
import type { SecondConnection } from './unblocker.js';

/** The part of ioredis that is touched. */
export interface IoredisLibrary {
  readonly Redis: { readonly prototype: IoredisClient };
  readonly Cluster: { readonly prototype: object };
  readonly Pipeline: { readonly prototype: object };
  readonly Command: new (name: string, args: string[], options: object) => IoredisCommand;
}

interface IoredisClient {
  readonly status: string;
  readonly stream?: { unref?(): void };
  readonly offlineQueue: CommandQueue;
  readonly prevCommandQueue?: CommandQueue | null;
  sendCommand(command: IoredisCommand, stream?: unknown): unknown;
  duplicate(options: object): IoredisClient;
  on(event: string, listener: () => void): void;
  connect(): Promise<void>;
  call(name: string, ...args: string[]): Promise<unknown>;
  disconnect(): void;
}

interface IoredisCommand {
  readonly name: string;
  readonly args: readonly unknown[];
  readonly promise: Promise<unknown>;
  resolve: (value: unknown) => unknown;
  reject: (error: unknown) => unknown;
}

interface CommandQueue {
  readonly length: number;
  peekAt(index: number): { readonly command: IoredisCommand } | undefined;
  removeOne(index: number): unknown;
}

interface IoredisPipeline {
  readonly redis: IoredisClient;
  readonly promise: Promise<unknown>;
  readonly isCluster: boolean;
  readonly _transactions: number;
  readonly _queue: readonly (IoredisCommand & { readonly inTransaction?: boolean })[];
}

interface IoredisSettings extends RedisSettings {
  readonly library: IoredisLibrary;
}

type SendCommand = (this: IoredisClient, command: IoredisCommand, stream?: unknown) => unknown;
type Exec = (this: IoredisPipeline, ...args: unknown[]) => Promise<unknown>;

/** Sent by the client itself before it is ready, in whatever context its socket was made. */
const HANDSHAKE = new Set(['auth', 'client', 'hello', 'info', 'readonly', 'select']);

const states = new WeakMap<object, ClientState>();
const tied = new WeakMap<IoredisCommand, TiedCommand>();
/** Have been sent, or queued by the library: these come again after a reconnect. */
const passed = new WeakSet<IoredisCommand>();
const ofClusters = new WeakSet<IoredisCommand>();
const transactions = new OpenTransactions();

/** `Redis.prototype.sendCommand`, which every command goes through. */
const sendMethod = new SharedMethod<'sendCommand', SendCommand, IoredisSettings>(
  'sendCommand',
  (below, owners) =>
    function (command, stream) {
      const send = () => below.call(this, command, stream);
      const again = tied.get(command);
      if (again !== undefined) {
        again.sentAgain();
        return command.promise;
      }
      // A pipeline takes its turn as a whole, and a cluster sends a command to one node or another.
      if (stream !== undefined || owners.size === 0 || ofClusters.has(command)) return send();
      const name = command.name.toLowerCase();
      if (passed.has(command) || (this.status !== 'ready' && HANDSHAKE.has(name))) return send();
      const session = sessionOf(this);
      const inTransaction = transactions.contains(this, session);
      transactions.note(this, session, name);
      const isTied = !inTransaction && !isOfConnection(name);
      const caller = isTied ? callingScope(owners) : undefined;
      caller?.scope.checkClock();
      if (caller?.scope.isCanceled() === true) {
        command.reject(caller.scope.error());
        return command.promise;
      }
      const blocks = isTied && mayBlock(name, command.args);
      const state = blocks ? stateOf(this, first(owners)) : states.get(this);
      if (caller !== undefined && (blocks || this.status !== 'ready' || state?.gate.isHolding)) {
        const known = state ?? stateOf(this, caller.owner);
        const port = new IoredisPort(this, command, send);
        const one = new TiedCommand(known, caller, blocks ? 'interruptible' : 'plain', port);
        tied.set(command, one);
        port.settleWith(one);
        one.start();
        return command.promise;
      }
      if (state === undefined) return send();
      passed.add(command);
      if (blocks) return takeTurn(state, command, send);
      if (!state.gate.isHolding || (!isTied && state.isReconnecting)) return send();
      state.gate.enter(new Turn('plain', () => quietly(command.promise, send())));
      return command.promise;
    },
);

/** Pipelines are left alone, but for those that may block while another command does. */
const execMethod = new SharedMethod<'exec', Exec, IoredisSettings>(
  'exec',
  (below, owners) =>
    function (...args) {
      const exec = () => below.apply(this, args);
      // With a transaction open, this call only adds the EXEC.
      if (owners.size === 0 || this.isCluster || this._transactions > 0) return exec();
      const blocks = this._queue.some(
        ({ name, args: own, inTransaction }) =>
          inTransaction !== true && mayBlock(name.toLowerCase(), own),
      );
      const state = blocks ? stateOf(this.redis, first(owners)) : states.get(this.redis);
      if (state === undefined || (!blocks && !state.gate.isHolding)) return exec();
      const turn = new Turn(blocks ? 'blocking' : 'plain', () => void exec());
      const leave = () => state.gate.leave(turn);
      this.promise.then(leave, leave);
      state.gate.enter(turn);
      return this.promise;
    },
);

const clusterMethod = new SharedMethod<'sendCommand', SendCommand, IoredisSettings>(
  'sendCommand',
  (below) =>
    function (command, ...rest) {
      ofClusters.add(command);
      return below.call(this, command, ...rest);
    },
);

/** @returns takes it back */
export function tieIoredis(
  library: IoredisLibrary,
  host: object,
  settings: RedisSettings,
): () => void {
  const owner: IoredisSettings = { ...settings, library };
  return undoing([
    sendMethod.replaceOn(library.Redis.prototype, host, owner),
    execMethod.replaceOn(library.Pipeline.prototype, host, owner),
    clusterMethod.replaceOn(library.Cluster.prototype, host, owner),
  ]);
}

/** What the library does with one command: it is settled by two methods of its own. */
class IoredisPort implements CommandPort {
  private readonly settleRejected: (error: unknown) => unknown;

  constructor(
    private readonly client: IoredisClient,
    private readonly command: IoredisCommand,
    private readonly sendNow: () => unknown,
  ) {
    this.settleRejected = command.reject;
  }

  settleWith(one: TiedCommand): void {
    const { command } = this;
    const { resolve, reject } = command;
    command.resolve = (value) => {
      one.settle(() => resolve(value));
      return command.promise;
    };
    command.reject = (error) => one.settle(() => reject(one.explained(error)));
  }

  send(): void {
    quietly(this.command.promise, this.sendNow());
  }

  unqueue(): boolean {
    const { offlineQueue, prevCommandQueue } = this.client;
    return takeOut(offlineQueue, this.command) || takeOut(prevCommandQueue, this.command);
  }

  reject(error: unknown): void {
    this.settleRejected(error);
  }
}

function takeOut(queue: CommandQueue | null | undefined, command: IoredisCommand): boolean {
  for (let index = 0; index < (queue?.length ?? 0); index++) {
    if (queue?.peekAt(index)?.command !== command) continue;
    queue.removeOne(index);
    return true;
  }
  return false;
}

/** A command outside of operations that may block. */
function takeTurn(state: ClientState, command: IoredisCommand, send: () => unknown): unknown {
  let sent: unknown = undefined;
  const turn = new Turn('blocking', () => (sent = send()));
  const { resolve, reject } = command;
  command.resolve = (value) => {
    resolve(value);
    state.gate.leave(turn);
    return command.promise;
  };
  command.reject = (error) => {
    reject(error);
    state.gate.leave(turn);
  };
  state.gate.enter(turn);
  return sent ?? command.promise;
}

/** With diagnostics on, the library gives a promise of its own beside that of the command. */
function quietly(promise: Promise<unknown>, sent: unknown): void {
  if (sent !== promise && sent instanceof Promise) sent.catch(() => {});
}

function sessionOf(client: IoredisClient): unknown {
  return client.status === 'ready' ? client.stream : {};
}

function stateOf(client: IoredisClient, { library }: IoredisSettings): ClientState {
  let state = states.get(client);
  if (state === undefined) {
    state = new ClientState(connectionOf(client, library));
    states.set(client, state);
  }
  return state;
}

function connectionOf(client: IoredisClient, { Command }: IoredisLibrary): RedisConnection {
  return {
    session: () => sessionOf(client),
    takesCommands: () => client.status === 'ready',
    info() {
      const command = new Command('client', ['INFO'], { replyEncoding: 'utf8' });
      // It is ahead of everything that is held.
      passed.add(command);
      return client.sendCommand(command) as Promise<unknown>;
    },
    openSecond: () => openSecond(client),
  };
}

async function openSecond(client: IoredisClient): Promise<SecondConnection> {
  const second = client.duplicate({
    autoResendUnfulfilledCommands: false,
    commandTimeout: undefined,
    db: 0,
    enableAutoPipelining: false,
    enableOfflineQueue: true,
    enableReadyCheck: false,
    himportFieldsets: undefined,
    lazyConnect: true,
    monitor: false,
    readOnly: false,
    reconnectOnError: null,
    retryStrategy: null,
    scripts: undefined,
    sentinelRetryStrategy: null,
    socketTimeout: undefined,
  });
  second.on('error', () => {});
  await second.connect();
  second.stream?.unref?.();
  return {
    command: (name, ...args) => second.call(name, ...args),
    close: () => second.disconnect(),
  };
}

/** Any application's: they all have the same library. */
function first(owners: ReadonlyMap<object, IoredisSettings>): IoredisSettings {
  return [...owners.values()][0]!;
}
