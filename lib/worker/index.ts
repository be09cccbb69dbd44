/**
 * Worker threads, piscina pools and child processes that work for the current operation. In a
 * thread, this entry point gives access to the operation without loading Nest.
 */
export type { Signal, StructuralAbortSignal } from '../core/abort-signal.js';
export type { CancelOptions } from '../core/cancel-record.js';
export {
  CancelationError,
  type CancelationReason,
  isCancelation,
} from '../core/cancelation-error.js';
export { rootCause } from '../core/causes.js';
export type { Duration } from '../core/duration.js';
export { Operation } from '../core/operation.js';
export { currentOperation, currentToken, tryCurrentOperation } from '../core/current-operation.js';
export { CancelationToken } from '../core/token.js';
export { cancelOperation } from './cancel-operation.js';
export { createThreadPool, type ThreadPoolOptions } from './create-thread-pool.js';
export type { ModuleFile } from './module-file.js';
export { type PoolTaskOptions, runInPool, type ThreadPool } from './run-in-pool.js';
export { runFileInThread, runInThread } from './run-in-thread.js';
export type {
  ThreadCallOptions,
  ThreadFunction,
  ThreadOptions,
  WorkerOptions,
} from './thread-options.js';
export {
  type ProcessLike,
  type ProcessOptions,
  type SpawnedProcess,
  spawnProcess,
} from './spawn-process.js';
