import { SafeLog } from '../operation/safe-log.js';
import { bare, isRecord } from '../scope/plain-object.js';
import {
  checkOptions,
  countOf,
  readDuration,
  readOptions,
  readSpan,
  refuse,
} from '../scope/validate.js';
import { type Duration, parseDuration } from '../scope/duration.js';
import type { OperationLog } from '../operation/operation-log.js';

/**
 * How much is remembered of operations that ended.
 *
 * @publicApi
 */
export interface HistoryOptions {
  /** How many ended operations are remembered. 0: none. Default: 1000. */
  limit?: number;
  /** How long they are remembered. Default: as long as there is room. */
  maxAge?: Duration;
}

/**
 * When an operation that ignores its cancel is reported.
 *
 * @publicApi
 */
export interface ZombieOptions {
  /**
   * How long after its cancelation an operation that still runs is called a zombie. Default:
   * `'5s'`.
   */
  after?: Duration;
}

/**
 * How long cleanups may take, for registries of their own.
 *
 * @publicApi
 */
export interface CleanupOptions {
  /** How long shields and cleanups may go on after a cancel. 0: no time. Default: `'5s'`. */
  cleanup?: Duration;
}

/**
 * Options of `new OperationRegistry()`.
 *
 * @publicApi
 */
export interface OperationRegistryOptions {
  /** How much is remembered. Default: 1,000 operations, without a limit of age. */
  history?: HistoryOptions;
  /** When a zombie is reported. Default: 5 s after its cancel. */
  zombies?: ZombieOptions;
  /** How long cleanups may take. Default: 5 s. */
  shutdown?: CleanupOptions;
  /**
   * How many operations may be live, zombies counted, before new roots are refused. Default:
   * 100,000.
   */
  maxLive?: number;
  /**
   * How many operations of one root may be live at a time, whatever it began, what it spawned too:
   * more are refused, so that one request cannot take the room of all others. Default: a tenth of
   * `maxLive`, and at least 100.
   */
  maxChildren?: number;
  /**
   * The longest timeout that a call may have: what functions, `request`, `run()`, `extend()` and
   * the like ask for beyond is cut to it, with one warning per name; a longer one that stands in
   * the code stops the start-up. No timeout is none. Default: none.
   */
  maxTimeout?: Duration;
  /** Where messages go. Default: Nest's logger in an application, nowhere otherwise. */
  logger?: OperationLog;
}

export interface RegistrySettings {
  readonly historyLimit: number;
  /** Milliseconds. */
  readonly historyMaxAge: number;
  /** Milliseconds. */
  readonly zombieAfter: number;
  /** Milliseconds. */
  readonly cleanupLimit: number;
  readonly maxLive: number;
  readonly maxChildren: number;
  /** Milliseconds. */
  readonly maxTimeout: number;
  readonly log: SafeLog;
}

/** A small `maxLive` is no reason to refuse what one request needs. */
const LEAST_CHILDREN = 100;

const silent: OperationLog = { debug() {}, warn() {}, error() {} };

/** How each option is checked. */
export const registryReaders = {
  history: (value: unknown, at: string) =>
    checkOptions(value, at, { limit: countOf(0), maxAge: readDuration }),
  zombies: (value: unknown, at: string) => checkOptions(value, at, { after: readDuration }),
  shutdown: (value: unknown, at: string) => checkOptions(value, at, { cleanup: readSpan }),
  maxLive: countOf(1),
  maxChildren: countOf(1),
  maxTimeout: readDuration,
  logger: (value: unknown, at: string) => {
    if (!isRecord(value) && typeof value !== 'function') refuse(at, value, 'a logger');
  },
};

/** @throws TypeError that says what was given and what is allowed */
export function readRegistryOptions(
  options: OperationRegistryOptions,
  where: string,
): RegistrySettings {
  const own = readOptions(options, where, registryReaders);
  const { maxLive = 100_000, maxChildren, maxTimeout, logger } = own;
  const { limit = 1_000, maxAge } = bare(own.history ?? {});
  const { after = '5s' } = bare(own.zombies ?? {});
  const { cleanup = '5s' } = bare(own.shutdown ?? {});
  return {
    historyLimit: limit,
    historyMaxAge: maxAge === undefined ? Infinity : parseDuration(maxAge, where),
    zombieAfter: parseDuration(after, where),
    cleanupLimit: parseDuration(cleanup, where, { zero: true }),
    maxLive,
    maxChildren: maxChildren ?? Math.max(LEAST_CHILDREN, Math.floor(maxLive / 10)),
    maxTimeout: maxTimeout === undefined ? Infinity : parseDuration(maxTimeout, where),
    log: SafeLog.over(logger ?? silent),
  };
}
