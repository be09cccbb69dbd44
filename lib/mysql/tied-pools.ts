import { type CallingScope, callingScope } from '../operation/calling-scope.js';
import { Interruption } from '../operation/interruption.js';
import { boundHere, inContext } from '../scope/context-storage.js';
import type { ListenerNode } from '../scope/listeners.js';
import { ownerOf, SharedMethod, undoing } from '../scope/shared-method.js';
import { letEventsStop } from './events.js';
import type { MysqlSettings } from './mysql-settings.js';
import {
  type Command,
  type Connection,
  type Mysql2Library,
  type Queue,
  removeFrom,
} from './mysql2-library.js';
import { kindOf } from './statement-kinds.js';

type Receive = (error: Error | null | undefined, connection?: Connection) => void;

interface Pool {
  readonly _connectionQueue?: Queue<unknown>;
}

type GetConnection = (this: Pool, receive: Receive) => unknown;
type Ask = (this: Pool, sql: unknown, ...rest: unknown[]) => Command | undefined;

/** Set while a connection is asked for on behalf of a cleanup. */
let isUntied = false;

function untied<Result>(ask: () => Result): Result {
  const before = isUntied;
  isUntied = true;
  try {
    return ask();
  } finally {
    isUntied = before;
  }
}

/** Of pools: the queue is theirs. */
const poolMethod = new SharedMethod<'getConnection', GetConnection, MysqlSettings>(
  'getConnection',
  (below, owners) =>
    function (receive) {
      return waitFor(receive, owners, (own) => below.call(this, own), this._connectionQueue);
    },
);

/**
 * Of the part of a cluster that a pattern names. It waits for a pool, and takes what fails there
 * for a failure of the server: so its pool, asked outside of the operation, hears nothing of a cancel.
 */
const clusterMethod = new SharedMethod<'getConnection', GetConnection, MysqlSettings>(
  'getConnection',
  (below, owners) =>
    function (receive) {
      return waitFor(receive, owners, (own) => below.call(this, own));
    },
);

const askWith = (name: 'query' | 'execute') =>
  new SharedMethod<typeof name, Ask, MysqlSettings>(name, (below, owners) => {
    return function (sql, ...rest) {
      if (owners.size === 0) return below.call(this, sql, ...rest);
      const text = typeof sql === 'object' ? (sql as { sql?: unknown } | null)?.sql : sql;
      const ask = () => below.call(this, sql, ...rest);
      const command = kindOf(text, true) === 'cleanup' ? untied(ask) : ask();
      if (command !== undefined && command.onResult === undefined) letEventsStop(command);
      return command;
    };
  });
const queryMethod = askWith('query');
const executeMethod = askWith('execute');

/** @returns takes it back */
export function tiePools(
  library: Mysql2Library,
  host: object,
  settings: MysqlSettings,
): () => void {
  const pools = ownerOf(library.Pool.prototype, 'getConnection');
  // The class is not exported.
  const clusters = ownerOf(library.createPoolCluster({}).of('*'), 'getConnection');
  return undoing([
    poolMethod.replaceOn(pools, host, settings),
    queryMethod.replaceOn(pools, host, settings),
    executeMethod.replaceOn(pools, host, settings),
    clusterMethod.replaceOn(clusters, host, settings),
  ]);
}

/**
 * Pools call from the context of whoever gave a connection back, and open connections in that of
 * whoever asks: what is opened here belongs to nobody, and what is called to its caller.
 */
function waitFor(
  receive: Receive,
  owners: ReadonlyMap<object, MysqlSettings>,
  ask: (receive: Receive) => unknown,
  queue?: Queue<unknown>,
): unknown {
  if (owners.size === 0) return ask(receive);
  const own = boundHere(receive);
  const caller = isUntied ? undefined : callingScope(owners);
  if (caller === undefined) return inContext(undefined, () => ask(own));
  const { scope } = caller;
  scope.checkClock();
  if (scope.isCanceled()) {
    process.nextTick(own, new Interruption(scope.error()));
    return undefined;
  }
  const waiting = new PoolWait(own, caller, queue);
  return inContext(undefined, () => ask(waiting.receive));
}

/** A caller that waits for a connection of a pool. */
class PoolWait {
  private readonly listener: ListenerNode;
  private isOver = false;

  constructor(
    private readonly deliver: Receive,
    caller: CallingScope<MysqlSettings>,
    queue: Queue<unknown> | undefined,
  ) {
    this.listener = caller.scope.observe((error) => {
      this.isOver = true;
      // Who does not wait any more takes no place in the queue.
      if (queue !== undefined) removeFrom(queue, this.receive);
      process.nextTick(deliver, new Interruption(error));
    });
  }

  readonly receive: Receive = (error, connection) => {
    if (this.isOver) {
      connection?.release?.();
      return;
    }
    this.isOver = true;
    this.listener.remove();
    this.deliver(error, connection);
  };
}
