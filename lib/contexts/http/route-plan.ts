import type { ExecutionContext } from '@nestjs/common';
import { type Duration, parseDuration } from '../../core/duration.js';
import type { CallOptions, OperationPlan } from '../../core/operation-plan.js';
import type { OperationState } from '../../core/operation-state.js';
import type { CancelationReason } from '../../core/cancelation-error.js';
import { checkOptions, operationReaders } from '../../core/read-options.js';
import type { CancelableOptions } from '../../decorators/cancelable-options.js';
import type { CancelableRuntime } from '../../decorators/cancelable-runtime.js';
import type { MethodDefinition } from '../../decorators/method-definition.js';
import { getDefinition, isNotCancelable } from '../../decorators/method-metadata.js';
import { createMethodPlan, mergeOptions } from '../../decorators/method-plan.js';
import type { RequestOption } from '../request-options.js';
import type { HttpCell } from './http-cell.js';
import type { HttpOptions } from './http-options.js';

/** What the module says about requests. */
export interface RequestDefaults {
  /** Milliseconds. */
  readonly timeout: number | undefined;
  readonly request: RequestOption | undefined;
  readonly http: HttpOptions;
}

const SSE_METADATA = '__sse__';

/** One handler of one application: what is known before a request comes. */
export class RoutePlan {
  readonly definition: MethodDefinition | undefined;
  readonly isSse: boolean;
  /** The operation begins with the request; otherwise when somebody first needs it. */
  readonly isEager: boolean;
  readonly followsClient: boolean;
  readonly statusCodes: Partial<Record<CancelationReason, number>>;
  readonly idHeader: string | undefined;
  private readonly options: CancelableOptions;
  private readonly hasOwnTimeout: boolean;
  private lastMethod: string | undefined = undefined;
  /** Its path need not be read from each request: Fastify puts it together anew. */
  private readonly hasOnePath: boolean;
  private lastPlan: OperationPlan | undefined = undefined;
  private readonly plans = new Map<string, OperationPlan>();

  constructor(
    private readonly runtime: CancelableRuntime,
    private readonly defaults: RequestDefaults,
    private readonly handlerName: string,
    handler: object,
    controller: object,
  ) {
    const definition = getDefinition(handler) as MethodDefinition | undefined;
    const excluded = isNotCancelable(handler) || isNotCancelable(controller);
    const { policy: _policy, ...options } = definition?.mergedOptions(runtime) ?? {};
    this.definition = definition;
    this.hasOnePath = isMountedOnce(handler, controller);
    this.isSse = Reflect.getMetadata(SSE_METADATA, handler) === true;
    this.options = options;
    this.hasOwnTimeout =
      options.timeout !== undefined || options.deadline !== undefined || excluded;
    this.statusCodes = defaults.http.statusCodes ?? {};
    this.idHeader = excluded ? undefined : defaults.http.idHeader || undefined;
    const onDisconnect = options.onDisconnect ?? defaults.http.onDisconnect ?? 'cancel';
    this.followsClient = onDisconnect === 'cancel' && !excluded;
    this.isEager =
      definition !== undefined ||
      defaults.request !== undefined ||
      this.idHeader !== undefined ||
      (defaults.timeout !== undefined && !excluded);
  }

  /** What the `request` option says; it is asked once a call. @throws TypeError, what it throws */
  callOptions(context: ExecutionContext): CallOptions | undefined {
    const given = this.defaults.request?.(context);
    if (given === undefined || given === null) return undefined;
    const where = 'CancelableModule: request()';
    const { metadata, tags, timeout, id } = operationReaders;
    checkOptions(given, where, { metadata, tags, timeout, id });
    return {
      id: given.id,
      metadata: given.metadata,
      tags: given.tags,
      timeout: this.hasOwnTimeout ? undefined : readTimeout(given.timeout, `${where}: timeout`),
    };
  }

  planFor(method: string, context: ExecutionContext): OperationPlan {
    if (this.lastPlan !== undefined && this.hasOnePath && method === this.lastMethod) {
      return this.lastPlan;
    }
    const path = pathOf(context);
    const name = typeof path === 'string' ? `${method} ${path}` : this.handlerName;
    let plan = this.plans.get(name);
    if (plan === undefined) this.plans.set(name, (plan = this.createPlan(name)));
    this.lastMethod = method;
    this.lastPlan = plan;
    return plan;
  }

  private createPlan(name: string): OperationPlan {
    const { timeout } = this.defaults;
    const options = this.hasOwnTimeout ? this.options : mergeOptions([this.options, { timeout }]);
    const { operation } = createMethodPlan(options, { name, kind: 'http' }, (each) =>
      this.runtime.live.countersOf(each),
    );
    // The handler takes its key when it is called: only then is it known what its call would share.
    const plan = { ...operation, exclusive: undefined };
    return this.hasOwnTimeout ? plan : { ...plan, expires: headersAreUnsent };
  }
}

/** Express keeps the route on the request, Fastify its options. */
function pathOf(context: ExecutionContext): unknown {
  const request = context.switchToHttp().getRequest<{
    route?: { path?: unknown };
    routeOptions?: { url?: unknown };
  }>();
  return request.routeOptions?.url ?? request.route?.path;
}

/** Several paths or versions make several routes of one handler. */
function isMountedOnce(handler: object, controller: object): boolean {
  return [handler, controller].every((target) =>
    ['path', '__version__'].every((key) => !Array.isArray(Reflect.getMetadata(key, target))),
  );
}

/** A default timeout is for the answer to begin: streams take the time they take. */
function headersAreUnsent(operation: unknown): boolean {
  return !((operation as OperationState).cell as HttpCell).headersSent;
}

function readTimeout(
  value: Duration | false | undefined,
  where: string,
): number | false | undefined {
  return value === undefined || value === false ? value : parseDuration(value, where);
}
