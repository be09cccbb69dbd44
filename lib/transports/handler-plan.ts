import type { ExecutionContext } from '@nestjs/common';
import type { Duration } from '../scope/duration.js';
import { parseDuration } from '../scope/duration.js';
import type { OnDisconnect, OnShutdown, OperationKind } from '../operation/operation-options.js';
import { type CallOptions, type OperationPlan, SILENT_CALL } from '../operation/operation-plan.js';
import type { OperationState } from '../operation/operation-state.js';
import { bare } from '../scope/plain-object.js';
import { operationReaders } from '../operation/operation-readers.js';
import { readOptions } from '../scope/validate.js';
import type { CancelableOptions } from '../methods/cancelable-options.js';
import { bodyOf } from '../methods/followed-handlers.js';
import type { CancelableRuntime } from '../methods/cancelable-runtime.js';
import type { MethodDefinition } from '../methods/method-definition.js';
import { getDefinition, isNotCancelable, isUnobserved } from '../methods/method-metadata.js';
import { createMethodPlan, mergeOptions } from '../methods/method-plan.js';
import type { StreamSettings } from './backpressure.js';
import type { IncomingCell } from './incoming-cell.js';
import type { HttpOptions } from './http/http-options.js';
import type { RequestOption } from './request-options.js';

/** The module's defaults for calls of every kind. */
export interface HandlerDefaults {
  /** Milliseconds. */
  readonly timeout: number | undefined;
  readonly request: RequestOption | undefined;
  readonly http: HttpOptions;
  readonly streams: StreamSettings;
}

/** One handler of one application: what is known before a call comes. */
export class HandlerPlan {
  readonly definition: MethodDefinition | undefined;
  /** What claims the operation when it is called: the definition, or what follows the handler. */
  readonly body: object | undefined;
  /** The operation begins with the call; otherwise when somebody first needs it. */
  readonly isEager: boolean;
  readonly followsCaller: boolean;
  /** A stream that it gives goes on to its end when the caller has left. */
  readonly outlivesCaller: boolean;
  readonly onShutdown: OnShutdown;
  /** It shows operations, and is none. */
  readonly isUnobserved: boolean;
  /** In neither the module's defaults nor its disconnects. */
  protected readonly isExcluded: boolean;
  /** The limits for callers that read slowly. */
  readonly streams: StreamSettings;
  private readonly options: CancelableOptions;
  private readonly hasOwnTimeout: boolean;
  private readonly plans = new Map<string, OperationPlan>();

  constructor(
    private readonly runtime: CancelableRuntime,
    protected readonly defaults: HandlerDefaults,
    private readonly kind: OperationKind,
    handler: object,
    host: object,
    needsOperation = false,
    onDisconnect: OnDisconnect = defaults.http.onDisconnect ?? 'cancel',
  ) {
    const definition = getDefinition(handler) as MethodDefinition | undefined;
    const options = definition?.mergedOptions(runtime) ?? bare<CancelableOptions>({});
    this.definition = definition;
    this.body = definition ?? bodyOf(handler);
    this.streams = defaults.streams;
    this.options = options;
    this.isUnobserved = isUnobserved(host);
    this.isExcluded = isNotCancelable(handler) || isNotCancelable(host);
    this.hasOwnTimeout =
      options.timeout !== undefined || options.deadline !== undefined || this.isExcluded;
    this.followsCaller = (options.onDisconnect ?? onDisconnect) === 'cancel' && !this.isExcluded;
    const isForListener = isForAListener(kind, handler);
    this.outlivesCaller =
      !this.followsCaller &&
      (options.onDisconnect === 'ignore' ||
        (this.isExcluded ? !isForListener : kind === 'http' && !isForListener));
    this.onShutdown = options.onShutdown ?? 'drain';
    this.isEager =
      definition !== undefined ||
      defaults.request !== undefined ||
      (needsOperation && !this.isExcluded) ||
      (defaults.timeout !== undefined && !this.isExcluded);
  }

  /** Asks the `request` option, once a call. @throws TypeError, what it throws */
  callOptions(context: ExecutionContext): CallOptions | undefined {
    const given = this.defaults.request?.(context);
    if (given === undefined || given === null) return undefined;
    const where = 'CancelableModule: request()';
    const { metadata, tags, timeout, id } = operationReaders;
    const own = readOptions(given, where, { metadata, tags, timeout, id });
    return {
      ...SILENT_CALL,
      id: own.id,
      metadata: own.metadata,
      tags: own.tags,
      timeout: this.hasOwnTimeout ? undefined : readTimeout(own.timeout, `${where}: timeout`),
    };
  }

  /** Names come from routes and patterns: few, and kept. */
  planNamed(name: string): OperationPlan {
    let plan = this.plans.get(name);
    if (plan === undefined) this.plans.set(name, (plan = this.createPlan(name)));
    return plan;
  }

  private createPlan(name: string): OperationPlan {
    const { timeout } = this.defaults;
    const options = this.hasOwnTimeout
      ? this.options
      : mergeOptions([this.options, bare({ timeout })]);
    const { operation } = createMethodPlan(options, { name, kind: this.kind }, (each, kind) =>
      this.runtime.live.countersOf(each, kind, true),
    );
    // The handler takes its key when it is called: only then is it known what its call would share.
    const plan = { ...operation, exclusive: undefined };
    return this.hasOwnTimeout ? plan : { ...plan, expires: isUnanswered };
  }
}

/**
 * Events and subscriptions are often endless, and there for whoever listens: they outlive their
 * listener only where their own handler says so.
 */
function isForAListener(kind: OperationKind, handler: object): boolean {
  return kind === 'http'
    ? Reflect.getMetadata('__sse__', handler) === true
    : Reflect.getMetadata('graphql:resolver_type', handler) === 'Subscription';
}

/** A default timeout is for the answer to begin: streams take the time they take. */
function isUnanswered(operation: unknown): boolean {
  return !((operation as OperationState).cell as IncomingCell).hasAnswered;
}

function readTimeout(
  value: Duration | false | undefined,
  where: string,
): number | false | undefined {
  return value === undefined || value === false ? value : parseDuration(value, where);
}
