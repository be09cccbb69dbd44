import type { Duration } from '../scope/duration.js';

/**
 * What `Worker` of `node:worker_threads` takes, as far as it makes sense here.
 *
 * @publicApi
 */
export interface WorkerOptions {
  /** Flags for Node. Default: those of this process. */
  readonly execArgv?: readonly string[];
  /** For files: what `process.argv` has after the first two. */
  readonly argv?: readonly unknown[];
  /** The thread's environment. Default: that of this thread. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What `workerData` of `node:worker_threads` is in the thread. */
  readonly workerData?: unknown;
  /** Limits of its memory, in MiB. */
  readonly resourceLimits?: {
    readonly maxOldGenerationSizeMb?: number;
    readonly maxYoungGenerationSizeMb?: number;
    readonly codeRangeSizeMb?: number;
    readonly stackSizeMb?: number;
  };
  /** For debuggers. */
  readonly name?: string;
}

/**
 * Options of everything that runs in a thread.
 *
 * @publicApi
 */
export interface ThreadOptions {
  /**
   * How long the thread may go on after the cancel before it is terminated. 0: no time.
   * Default: `'5s'`.
   */
  readonly grace?: Duration;
  /** How the thread itself is made. */
  readonly worker?: WorkerOptions;
}

/**
 * Options of `runInThread()`.
 *
 * @publicApi
 */
export interface ThreadCallOptions<Args extends readonly unknown[]> extends ThreadOptions {
  /** The name of the function that the module exports. Default: `'default'`. */
  readonly name?: string;
  /** Cloned, as `structuredClone()` does it. Default: none. */
  readonly args?: Args;
  /** Buffers and ports that move to the thread instead of being cloned. Default: none. */
  readonly transfer?: readonly object[];
}

/**
 * What can be called in a thread.
 *
 * @publicApi
 */
export type ThreadFunction = (...args: never[]) => unknown;
