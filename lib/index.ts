export type { Signal, StructuralAbortSignal } from './core/abort-signal.js';
export type { CancelOptions } from './core/cancel-record.js';
export {
  CancelationError,
  type CancelationErrorOptions,
  type CancelationReason,
  ConditionCancelation,
  DisconnectCancelation,
  isCancelation,
  ManualCancelation,
  ParentCancelation,
  ShutdownCancelation,
  SignalCancelation,
  SupersededCancelation,
  TimeoutCancelation,
} from './core/cancelation-error.js';
export { rootCause } from './core/causes.js';
export { type Duration, duration } from './core/duration.js';
export type { CancelListener } from './core/listeners.js';
export {
  OperationConflict,
  OperationLimit,
  OperationNotFound,
  OperationRefused,
} from './core/operation-errors.js';
export type { OperationLog } from './core/operation-host.js';
export type {
  OnDisconnect,
  OnShutdown,
  OperationCallbacks,
  OperationKind,
  OperationMetadata,
  OperationOptions,
  OperationStatus,
  SettleMode,
} from './core/operation-options.js';
export {
  currentOperation,
  currentToken,
  Operation,
  tryCurrentOperation,
} from './core/operation.js';
export type { OperationProgress, ProgressReport } from './core/progress.js';
export type { ErrorSnapshot, OperationSnapshot, OperationTreeNode } from './core/snapshot.js';
export type {
  ChunkedStreamOptions,
  StreamOptions,
  StreamPartialResult,
} from './core/stream-port.js';
export { CancelationToken } from './core/token.js';
export type { OperationEvent, OperationEventType } from './registry/operation-events.js';
export type { OperationFilter } from './registry/operation-filter.js';
export type {
  AsyncDisposal,
  OperationHandle,
  OperationHandleMethods,
} from './registry/operation-handle.js';
export {
  type OperationBody,
  OperationRegistry,
  type RunOptions,
} from './registry/operation-registry.js';
export type { OperationMessage } from './registry/operation-watch.js';
export type {
  HistoryOptions,
  OperationRegistryOptions,
  ZombieOptions,
} from './registry/registry-options.js';
export type { NameStatistics, OperationStatistics, Percentiles } from './registry/statistics.js';
export { streamsAreReady } from './streams/operation-stream.js';
