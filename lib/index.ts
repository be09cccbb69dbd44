// The module
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

// Decorators
export {
  type AsyncResult,
  Cancelable,
  type CancelableDecorator,
  NotCancelable,
} from './methods/cancelable.decorator.js';
export type { CancelableOptions, PerCall } from './methods/cancelable-options.js';
export { OnOperation } from './methods/on-operation.decorator.js';
export { CancelToken, CurrentOperation, injected } from './methods/parameters.js';

// Tokens
export { CancelationToken } from './scope/token.js';
export type { CancelOptions } from './scope/cancel-record.js';
export type { CancelListener } from './scope/listeners.js';
export type { Signal, StructuralAbortSignal } from './scope/abort-signal.js';
export { type Duration, duration } from './scope/duration.js';

// Operations
export { Operation } from './operation/operation.js';
export {
  currentOperation,
  currentToken,
  tryCurrentOperation,
} from './operation/current-operation.js';
export type {
  ExclusiveOptions,
  ExclusiveScope,
  OnConflict,
  OnDisconnect,
  OnShutdown,
  OperationCallbacks,
  OperationKind,
  OperationMetadata,
  OperationOptions,
  OperationStatus,
  SettleMode,
} from './operation/operation-options.js';
export type { OperationLog } from './operation/operation-log.js';
export type { OperationProgress, ProgressListener, ProgressReport } from './operation/progress.js';
export type { ErrorSnapshot, OperationSnapshot, OperationTreeNode } from './operation/snapshot.js';
export type { CauseSnapshot } from './operation/cause-snapshots.js';
export type { PublicOperation, PublicProgress } from './operation/public-view.js';
export { bind } from './scope/bind.js';
export type { Cleanup, CleanupOutcome } from './scope/cleanup.js';
export type {
  ChunkedStreamOptions,
  StreamOptions,
  StreamPartialResult,
  StreamSource,
} from './streams/stream-options.js';
export { cancelWith } from './streams/cancel-with.js';

// Sources
export type { CancelationSource, SourceLike } from './sources/source.js';
export type { SourceStop, SourceTrigger } from './operation/start-sources.js';
export { type ConditionOptions, onCondition } from './sources/on-condition.js';
export { onEvent } from './sources/on-event.js';
export { onObservable } from './sources/on-observable.js';
export { onResources, type ResourceLimits } from './sources/on-resources.js';
export { onSignal } from './sources/on-signal.js';
export { onStall } from './sources/on-stall.js';
export { allOf, anyOf } from './sources/source-set.js';

// The registry
export { OperationRegistry } from './registry/operation-registry.js';
export type { ScopedRegistry } from './registry/scoped-registry.js';
export type {
  CleanupOptions,
  HistoryOptions,
  OperationRegistryOptions,
  ZombieOptions,
} from './registry/registry-options.js';
export type { OperationBody, RunOptions } from './registry/run-options.js';
export type {
  AsyncDisposal,
  OperationHandle,
  OperationHandleMethods,
} from './registry/operation-handle.js';
export type { OperationFilter } from './registry/operation-filter.js';
export type { OperationScope } from './registry/registry-scope.js';
export type { OperationEvent, OperationEventType } from './registry/operation-events.js';
export type { OperationChannelMessage } from './registry/operation-channels.js';
export type { OperationRunMessage } from './operation/run-channel.js';
export type { OperationMessage, WatchOptions } from './registry/operation-watch.js';
export type { OperationView, ViewOptions } from './registry/view-options.js';
export type { Percentiles } from './registry/duration-histogram.js';
export type { NameStatistics, OperationStatistics } from './registry/statistics.js';

// HTTP and other transports
export type { HttpOptions } from './transports/http/http-options.js';
export { OperationCanceledException } from './transports/http/operation-canceled.exception.js';
export {
  type ParseDurationOptions,
  ParseDurationPipe,
} from './transports/http/parse-duration.pipe.js';
export { type ServerSentEvent, serverSentEvents } from './transports/http/server-sent-events.js';
export type { RequestOption, RequestOptions } from './transports/request-options.js';
export type { StreamLimits } from './transports/backpressure.js';
export { operationOf } from './transports/operation-of.js';
export { socketId } from './transports/ws/socket-id.js';

// Shutdown
export type { OnNewRequests, ShutdownOptions } from './shutdown/shutdown-options.js';

// Errors
export {
  CancelationError,
  type CancelationErrorOptions,
  type CancelationReason,
  isCancelation,
} from './scope/cancelation-error.js';
export {
  ConditionCancelation,
  DisconnectCancelation,
  ManualCancelation,
  ParentCancelation,
  ShutdownCancelation,
  SignalCancelation,
  SupersededCancelation,
  TimeoutCancelation,
} from './scope/cancelation-reasons.js';
export { rootCause } from './operation/causes.js';
export {
  ClusterIncomplete,
  ClusterUnavailable,
  OperationConflict,
  OperationLimit,
  OperationNotFound,
  OperationRefused,
} from './operation/operation-errors.js';

// Across instances
export type {
  CancelationBus,
  CancelationBusHost,
  ClusterLeases,
} from './cluster/cancelation-bus.js';
export type { ClusterOptions } from './cluster/cluster-options.js';
export { localBus } from './cluster/local-bus.js';
export type {
  ClusterAnswer,
  ClusterEvent,
  ClusterInstance,
  ClusterOperation,
  ClusterTreeNode,
} from './registry/cluster-answer.js';
export type { FindPendingWork, PendingWork } from './registry/pending-work.js';
export type { ClusterFilter } from './registry/cluster-filter.js';
export {
  type ClusterCallOptions,
  type ClusterCancelOptions,
  ClusterRegistry,
} from './registry/cluster-registry.js';
