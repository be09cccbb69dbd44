/**
 * Worker threads, piscina pools and child processes that work for the current operation. In a
 * thread, this entry point gives access to the operation without loading Nest.
 */
export type { Signal, StructuralAbortSignal } from '../scope/abort-signal.js';
export type { CancelOptions } from '../scope/cancel-record.js';
export {
  CancelationError,
  type CancelationReason,
  isCancelation,
} from '../scope/cancelation-error.js';
export { rootCause } from '../operation/causes.js';
export type { Duration } from '../scope/duration.js';
export { Operation } from '../operation/operation.js';
export {
  currentOperation,
  currentToken,
  tryCurrentOperation,
} from '../operation/current-operation.js';
export { CancelationToken } from '../scope/token.js';
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
