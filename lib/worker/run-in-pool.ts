import type { Transferable } from 'node:worker_threads';
import type { Duration } from '../scope/duration.js';
import { readOptions } from '../scope/validate.js';
import { noop } from '../scope/thenable.js';
import { type CallingOperation, callingOperation } from './calling-operation.js';
import { explainClone, isLostCloneError, uncloneableResult } from './clone-failure.js';
import { graceOf } from './grace.js';
import { type ModuleFile, urlOf } from './module-file.js';
import { ownPath } from './own-file.js';
import { pauseTimeout } from './queue-pause.js';
import { ThreadLink } from './thread-link.js';
import type { ThreadFunction } from './thread-options.js';
import type { Envelope } from './wire.js';
import { POOL_READERS } from './worker-readers.js';

/**
 * A piscina pool, as far as it is used here.
 *
 * @publicApi
 */
export interface ThreadPool {
  /** Runs a task. */
  run(task: unknown, options?: object): Promise<unknown>;
  /** Ends its threads. */
  destroy(): Promise<void>;
  /** What it was made with. */
  readonly options: { readonly filename?: string | null; readonly name?: string };
}

/**
 * Options of `runInPool()`.
 *
 * @publicApi
 */
export interface PoolTaskOptions {
  /** The module. Default: the pool's. */
  readonly file?: ModuleFile;
  /** The name of the function that it exports. Default: the pool's, or `'default'`. */
  readonly name?: string;
  /** Buffers and ports that move to the thread instead of being cloned. Default: none. */
  readonly transfer?: readonly object[];
  /**
   * How long the task may go on after the cancel before its thread is replaced. 0: no time.
   * Default: `'5s'`.
   */
  readonly grace?: Duration;
  /**
   * What the operation's own timeout does while the task waits for a thread: `'count'` goes on,
   * `'pause'` stands still. The deadlines of ancestors, and those by the wall clock, go on.
   * Default: `'count'`.
   */
  readonly whileQueued?: 'count' | 'pause';
}

/**
 * Runs a task in a piscina pool, with the current operation carried over as `runInThread()` does
 * it. A task that stops when it is canceled leaves its thread to the pool; one that waits in the
 * queue is taken out. Only when the grace period has passed is a thread terminated, and the pool
 * starts another.
 *
 * @param data the function's argument, cloned
 * @returns what the function returns, cloned, or moved with `Piscina.move()`
 * @throws CancelationError the operation's own, once the task has stopped; what the function
 * throws, with name, message, code, stack and causes; what the pool refuses; TypeError when the
 * data, the metadata or an option cannot be used
 * @example
 * const pool = new Piscina({ filename: fileURLToPath(new URL('./render.js', import.meta.url)) });
 * const pdf = await runInPool<typeof render>(pool, rows, { name: 'render' });
 * @publicApi
 */
export function runInPool<Fn extends ThreadFunction = (data: unknown) => unknown>(
  pool: ThreadPool,
  data?: Parameters<Fn>[0],
  given: PoolTaskOptions = {},
): Promise<Awaited<ReturnType<Fn>>> {
  try {
    const where = 'runInPool()';
    if (typeof pool?.run !== 'function' || typeof pool.options !== 'object') {
      throw new TypeError(
        `${where}: ${String(pool)} is no piscina pool. Make one: npm install piscina, then new Piscina(options) or createThreadPool(options).`,
      );
    }
    const options = readOptions(given, where, POOL_READERS);
    const file = options.file ?? pool.options.filename;
    if (file == null) {
      throw new TypeError(`${where}: neither the pool nor the call names a file.`);
    }
    const caller = callingOperation();
    const isPaused = options.whileQueued === 'pause' && caller !== undefined;
    const resume = isPaused ? pauseTimeout(caller.state) : noop;
    const task = new PoolTask(caller, graceOf(options.grace), resume);
    const name = options.name ?? pool.options.name ?? 'default';
    return task.start(
      pool,
      { file: urlOf(file, where), name, args: [data] },
      options.transfer ?? [],
    ) as Promise<Awaited<ReturnType<Fn>>>;
  } catch (error) {
    return Promise.reject(error);
  }
}

class PoolTask {
  private readonly link: ThreadLink;
  private readonly controller = new AbortController();
  /** The pool has given it to a thread: from now on, the pool's signal kills that thread. */
  private handedOut = false;

  constructor(
    private readonly caller: CallingOperation | undefined,
    grace: number,
    /** It waits no more. */
    private readonly resume: () => void,
  ) {
    this.link = new ThreadLink(caller, 'a task of the thread pool', grace, {
      cancel: () => {
        if (this.handedOut) return false;
        this.controller.abort();
        return true;
      },
      giveUp: () => this.controller.abort(),
    });
  }

  start(
    pool: ThreadPool,
    task: Pick<Envelope, 'file' | 'name' | 'args'>,
    transfer: readonly object[],
  ): Promise<unknown> {
    const promise = this.run(pool, task, transfer);
    this.link.quieten(promise);
    return promise;
  }

  private async run(
    pool: ThreadPool,
    task: Pick<Envelope, 'file' | 'name' | 'args'>,
    transfer: readonly object[],
  ): Promise<unknown> {
    const { link } = this;
    const { port } = link;
    let value: unknown;
    let failure: { readonly error: unknown } | undefined;
    try {
      value = await pool.run(this.envelope(task), {
        filename: ownPath('pool-task'),
        name: 'default',
        transferList: [port, ...transfer] as Transferable[],
        signal: this.controller.signal,
      });
    } catch (error) {
      failure = { error };
    }
    this.resume();
    link.close();
    if (!this.handedOut) port.close();
    const { outcome, canceled } = link;
    if (outcome !== undefined && 'error' in outcome) {
      throw link.failure(outcome.error, outcome.canceled);
    }
    if (failure === undefined) return value;
    if (canceled !== undefined && this.controller.signal.aborted) throw canceled;
    if (isLostCloneError(failure.error)) throw uncloneableResult(failure.error);
    throw explainClone(failure.error, 'runInPool()', this.caller?.state, task.args);
  }

  /** The pool clones it, and so reads it, at the moment at which a thread gets it. */
  private envelope(task: Pick<Envelope, 'file' | 'name' | 'args'>): Envelope {
    const { link } = this;
    const { flag, port } = link;
    const handOut = (): SharedArrayBuffer => {
      this.handedOut = true;
      this.resume();
      return flag;
    };
    return {
      ...task,
      port,
      get flag() {
        return handOut();
      },
      // Read after the flag, when the deadline is what the thread is to know.
      get operation() {
        return link.operation;
      },
    };
  }
}
