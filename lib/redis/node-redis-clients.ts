import { callingScope } from '../operation/calling-scope.js';
import { Interruption } from '../operation/interruption.js';
import { boundHere } from '../scope/context-storage.js';
import { ownerOf, SharedMethod, undoing } from '../scope/shared-method.js';
import { ClientState, type RedisConnection, type RedisSettings } from './client-state.js';
import { isOfConnection, mayBlock, OpenTransactions } from './command-kinds.js';
import { Turn } from './connection-gate.js';
import { type CommandPort, TiedCommand } from './tied-command.js';
import type { SecondConnection } from './unblocker.js';

/** The part of the package redis that is touched. */
export interface NodeRedisLibrary {
  createClient(options: object): object;
  /** Not in the first versions. */
  readonly createClientPool?: (options: object) => object;
}

interface NodeRedisClient {
  /** The client itself, of which others are made that have options of their own. */
  readonly _self: NodeRedisClient;
  readonly isReady: boolean;
  readonly isOpen: boolean;
  /** Counts the connections; not in the first versions. */
  readonly socketEpoch?: number;
  readonly options?: { readonly socket?: object };
  sendCommand(args: CommandArgs, options?: CommandOptions): Promise<unknown>;
  duplicate(overrides: object): NodeRedisClient;
  on(event: string, listener: () => void): void;
  unref(): void;
  connect(): Promise<unknown>;
  destroy(): void;
}

type CommandArgs = readonly (string | Buffer)[];

interface CommandOptions {
  readonly abortSignal?: AbortSignal | undefined;
  readonly typeMapping?: object | undefined;
}

type SendCommand = (
  this: NodeRedisClient,
  args: CommandArgs,
  options?: CommandOptions,
) => Promise<unknown>;
type ExecuteBatch = (
  this: NodeRedisClient,
  commands: readonly { readonly args: CommandArgs }[],
  ...rest: unknown[]
) => Promise<unknown>;
type Execute = (this: object, fn: (client: object) => unknown) => Promise<unknown>;

const states = new WeakMap<object, ClientState>();
const transactions = new OpenTransactions();
/** Are ahead of everything that is held. */
const ahead = new WeakSet<CommandArgs>();

/** Every command that is not part of a pipeline or a transaction. */
const sendMethod = new SharedMethod<'sendCommand', SendCommand, RedisSettings>(
  'sendCommand',
  (below, owners) =>
    function (args, options) {
      const send: Send = (changed) => below.call(this, args, changed ?? options);
      if (owners.size === 0 || ahead.has(args)) return send();
      const client = this._self;
      const name = String(args[0]).toLowerCase();
      const session = client.isReady && (client.socketEpoch ?? 'counted nowhere');
      const inTransaction = transactions.contains(client, session);
      transactions.note(client, session, name);
      const isTied = !inTransaction && !isOfConnection(name);
      const caller = isTied ? callingScope(owners) : undefined;
      caller?.scope.checkClock();
      if (caller?.scope.isCanceled() === true) return Promise.reject(caller.scope.error());
      const blocks = isTied && mayBlock(name, args, 1);
      const state = blocks ? stateOf(client) : states.get(client);
      if (caller !== undefined && (blocks || !client.isReady || state?.gate.isHolding)) {
        const known = state ?? stateOf(client);
        return new Promise((resolve, reject) => {
          const port = new NodeRedisPort(client, send, options, reject);
          const one = new TiedCommand(known, caller, blocks ? 'interruptible' : 'plain', port);
          port.settleWith(one, resolve);
          one.start();
        });
      }
      if (state === undefined || (!blocks && !state.gate.isHolding)) return send();
      return inTurn(state, blocks, send);
    },
);

const pipelineMethod = new SharedMethod<'_executePipeline', ExecuteBatch, RedisSettings>(
  '_executePipeline',
  (below, owners) => batchInTurn(below, owners, true),
);

const multiMethod = new SharedMethod<'_executeMulti', ExecuteBatch, RedisSettings>(
  '_executeMulti',
  (below, owners) => batchInTurn(below, owners, false),
);

/**
 * Pipelines and transactions are left alone, but for their turn: a pipeline may block, and neither
 * overtakes what is held.
 */
function batchInTurn(
  below: ExecuteBatch,
  owners: ReadonlyMap<object, RedisSettings>,
  mayBlockAtAll: boolean,
): ExecuteBatch {
  return function (commands, ...rest) {
    const send = () => below.call(this, commands, ...rest);
    if (owners.size === 0) return send();
    const client = this._self;
    const blocks =
      mayBlockAtAll &&
      commands.some(({ args }) => mayBlock(String(args[0]).toLowerCase(), args, 1));
    const state = blocks ? stateOf(client) : states.get(client);
    if (state === undefined || (!blocks && !state.gate.isHolding)) return send();
    return inTurn(state, blocks, send);
  };
}

/** A pool runs what waits for a client in the context of whoever gave that back. */
const poolMethod = new SharedMethod<'execute', Execute, RedisSettings>(
  'execute',
  (below, owners) =>
    function (fn) {
      if (owners.size === 0) return below.call(this, fn);
      return below.call(this, boundHere(fn));
    },
);

/** @returns takes it back */
export function tieNodeRedis(
  library: NodeRedisLibrary,
  host: object,
  settings: RedisSettings,
): () => void {
  // The classes are not exported.
  const clients = ownerOf(library.createClient({}), 'sendCommand');
  const restores = [
    sendMethod.replaceOn(clients, host, settings),
    pipelineMethod.replaceOn(clients, host, settings),
    multiMethod.replaceOn(clients, host, settings),
  ];
  if (library.createClientPool !== undefined) {
    const pools = ownerOf(library.createClientPool({}), 'execute');
    restores.push(poolMethod.replaceOn(pools, host, settings));
  }
  return undoing(restores);
}

type Send = (changed?: CommandOptions) => Promise<unknown>;

/** What the library does with one command: what is not written yet, a signal takes back. */
class NodeRedisPort implements CommandPort {
  private readonly controller = new AbortController();
  private one!: TiedCommand;
  private resolve!: (value: unknown) => void;

  constructor(
    private readonly client: NodeRedisClient,
    private readonly sendNow: Send,
    private readonly options: CommandOptions | undefined,
    private readonly rejectCaller: (error: unknown) => void,
  ) {}

  settleWith(one: TiedCommand, resolve: (value: unknown) => void): void {
    this.one = one;
    this.resolve = resolve;
  }

  send(): void {
    const { one } = this;
    const sent = this.client.isReady ? this.sendNow() : this.sendNow(this.withSignal());
    sent.then(
      (value) => one.settle(() => this.resolve(value)),
      (error: unknown) => one.settle(() => this.reject(this.explained(error))),
    );
  }

  /** It is not known here whether it is still queued: the library says so by its error. */
  unqueue(): boolean {
    this.controller.abort();
    return false;
  }

  reject(error: unknown): void {
    this.rejectCaller(error);
  }

  private withSignal(): CommandOptions {
    const { options } = this;
    const { signal } = this.controller;
    const given = options?.abortSignal;
    return { ...options, abortSignal: given ? AbortSignal.any([given, signal]) : signal };
  }

  private explained(error: unknown): unknown {
    const { cancelation } = this.one;
    const isOurs =
      this.controller.signal.aborted && (error as Error).constructor.name === 'AbortError';
    if (cancelation === undefined || !isOurs) return this.one.explained(error);
    return new Interruption(cancelation);
  }
}

/** What belongs to no operation, and waits for one that does. */
function inTurn(
  state: ClientState,
  blocks: boolean,
  send: () => Promise<unknown>,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const turn = new Turn(blocks ? 'blocking' : 'plain', () => {
      send().then(
        (value) => {
          resolve(value);
          state.gate.leave(turn);
        },
        (error: unknown) => {
          reject(error);
          state.gate.leave(turn);
        },
      );
    });
    state.gate.enter(turn);
  });
}

/** Where connections are not counted, each is taken for another one, and asked for its address. */
function sessionOf({ isReady, socketEpoch }: NodeRedisClient): unknown {
  return isReady && socketEpoch !== undefined ? socketEpoch : {};
}

function stateOf(client: NodeRedisClient): ClientState {
  let state = states.get(client);
  if (state === undefined) {
    state = new ClientState(connectionOf(client));
    states.set(client, state);
  }
  return state;
}

function connectionOf(client: NodeRedisClient): RedisConnection {
  return {
    session: () => sessionOf(client),
    takesCommands: () => client.isOpen,
    info() {
      const args = ['CLIENT', 'INFO'];
      ahead.add(args);
      return client.sendCommand(args, { abortSignal: undefined, typeMapping: undefined });
    },
    openSecond: () => openSecond(client),
  };
}

async function openSecond(client: NodeRedisClient): Promise<SecondConnection> {
  const second = client.duplicate({
    clientSideCache: undefined,
    commandOptions: undefined,
    commandsQueueMaxLength: undefined,
    database: undefined,
    disableOfflineQueue: false,
    emitInvalidate: undefined,
    maintNotifications: 'disabled',
    pingInterval: undefined,
    readonly: false,
    socket: { ...client.options?.socket, reconnectStrategy: false },
  });
  second.on('error', () => {});
  second.unref();
  await second.connect();
  return {
    command: (...args) => second.sendCommand(args),
    close: () => {
      // It may have lost its server already.
      if (second.isOpen) second.destroy();
    },
  };
}
