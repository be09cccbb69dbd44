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
export { bind } from './core/bind.js';
export type { Cleanup, CleanupOutcome } from './core/cleanup.js';
export { Operation } from './core/operation.js';
export { currentOperation, currentToken, tryCurrentOperation } from './core/current-operation.js';
export type { OperationProgress, ProgressReport } from './core/progress.js';
export type { PublicOperation, PublicProgress } from './core/public-view.js';
export type { CauseSnapshot } from './core/cause-snapshots.js';
export type { ErrorSnapshot, OperationSnapshot, OperationTreeNode } from './core/snapshot.js';
export type {
  ChunkedStreamOptions,
  StreamOptions,
  StreamPartialResult,
  StreamSource,
} from './streams/stream-options.js';
export { CancelationToken } from './core/token.js';
export type { OperationEvent, OperationEventType } from './registry/operation-events.js';
export type { OperationFilter } from './registry/operation-filter.js';
export type {
  AsyncDisposal,
  OperationHandle,
  OperationHandleMethods,
} from './registry/operation-handle.js';
export { OperationRegistry } from './registry/operation-registry.js';
export type { OperationMessage, WatchOptions } from './registry/operation-watch.js';
export type { OperationView, ViewOptions } from './registry/view-options.js';
export type { OperationScope } from './registry/registry-scope.js';
export type { OperationBody, RunOptions } from './registry/run-options.js';
export type { ScopedRegistry } from './registry/scoped-registry.js';
export type {
  HistoryOptions,
  OperationRegistryOptions,
  ZombieOptions,
} from './registry/registry-options.js';
export type { NameStatistics, OperationStatistics, Percentiles } from './registry/statistics.js';
export { CancelableModule } from './cancelable.module.js';
export type {
  CancelableModuleAsyncOptions,
  CancelableModuleOptions,
  CancelableOptionsFactory,
} from './cancelable-module-options.js';
export type {
  CancelableExtension,
  CancelableExtensionHost,
  Uninstall,
} from './registry/cancelable-extension.js';
export type { StreamLimits } from './contexts/backpressure.js';
export type { HttpOptions } from './contexts/http/http-options.js';
export {
  type ParseDurationOptions,
  ParseDurationPipe,
} from './contexts/http/parse-duration.pipe.js';
export { OperationCanceledException } from './contexts/http/operation-canceled.exception.js';
export { type ServerSentEvent, serverSentEvents } from './contexts/http/server-sent-events.js';
export { operationOf } from './contexts/operation-of.js';
export { socketId } from './contexts/ws/socket-id.js';
export type { RequestOption, RequestOptions } from './contexts/request-options.js';
export {
  type AsyncResult,
  Cancelable,
  type CancelableDecorator,
  NotCancelable,
} from './decorators/cancelable.decorator.js';
export type { CancelableOptions, PerCall } from './decorators/cancelable-options.js';
export { OnOperation } from './decorators/on-operation.decorator.js';
export { CancelToken, CurrentOperation, injected } from './decorators/parameters.js';
export type { ExclusiveOptions, OnConflict } from './core/operation-options.js';
export type { CancelationSource, SourceLike } from './core/source.js';
export type { SourceStop, SourceTrigger } from './core/start-sources.js';
export { type ConditionOptions, onCondition } from './sources/on-condition.js';
export { onEvent } from './sources/on-event.js';
export { onObservable } from './sources/on-observable.js';
export { onResources, type ResourceLimits } from './sources/on-resources.js';
export { onSignal } from './sources/on-signal.js';
export { onStall } from './sources/on-stall.js';
export { allOf, anyOf } from './sources/source-set.js';
export type { CleanupOptions } from './registry/registry-options.js';
export type { OnNewRequests, ShutdownOptions } from './shutdown/shutdown-options.js';
export { cancelWith } from './streams/cancel-with.js';
