import type { ExecutionContext } from '@nestjs/common';
import type { CancelationReason } from '../../scope/cancelation-error.js';
import { bare } from '../../scope/plain-object.js';
import type { OperationPlan } from '../../operation/operation-plan.js';
import type { CancelableRuntime } from '../../methods/cancelable-runtime.js';
import { type HandlerDefaults, HandlerPlan } from '../handler-plan.js';
import { CallerDeadlines } from './caller-deadline.js';

const SSE_METADATA = '__sse__';
const ROUTE_ARGUMENTS = '__routeArguments__';
const PASSTHROUGH = '__responsePassthrough__';
/** Nest's parameter types for `@Res()` and `@Next()`. */
const RESPONSE_TYPES = /^[12]:/;

/** One HTTP handler of one application. */
export class RoutePlan extends HandlerPlan {
  readonly isSse: boolean;
  /** The handler has the response, and Nest sends nothing. */
  readonly sendsResponse: boolean;
  readonly statusCodes: Partial<Record<CancelationReason, number>>;
  readonly idHeader: string | undefined;
  readonly callerDeadlines: CallerDeadlines | undefined;
  private lastMethod: string | undefined = undefined;
  /** Its path need not be read from each request: Fastify puts it together anew. */
  private readonly hasOnePath: boolean;
  private lastPlan: OperationPlan | undefined = undefined;

  constructor(
    runtime: CancelableRuntime,
    defaults: HandlerDefaults,
    private readonly handlerName: string,
    handler: object,
    controller: object,
  ) {
    const { statusCodes, idHeader, deadlines = [] } = defaults.http;
    const needsOperation = Boolean(idHeader) || deadlines.length > 0;
    super(runtime, defaults, 'http', handler, controller, needsOperation);
    this.hasOnePath = isMountedOnce(handler, controller);
    this.isSse = Reflect.getMetadata(SSE_METADATA, handler) === true;
    this.sendsResponse = sendsResponse((handler as { name: string }).name, controller);
    this.statusCodes = bare(statusCodes ?? {});
    this.idHeader = this.isExcluded ? undefined : idHeader || undefined;
    this.callerDeadlines = deadlines.length === 0 ? undefined : new CallerDeadlines(deadlines);
  }

  planFor(method: string, context: ExecutionContext): OperationPlan {
    if (this.lastPlan !== undefined && this.hasOnePath && method === this.lastMethod) {
      return this.lastPlan;
    }
    const path = pathOf(context);
    const plan = this.planNamed(typeof path === 'string' ? `${method} ${path}` : this.handlerName);
    this.lastMethod = method;
    this.lastPlan = plan;
    return plan;
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

/**
 * Whether Nest leaves the response to the handler: `@Res()` without `passthrough`, or `@Next()`.
 */
function sendsResponse(handlerName: string, controller: object): boolean {
  const types: unknown = Reflect.getMetadata(ROUTE_ARGUMENTS, controller, handlerName);
  return (
    Object.keys(types ?? {}).some((type) => RESPONSE_TYPES.test(type)) &&
    Reflect.getMetadata(PASSTHROUGH, controller, handlerName) !== true
  );
}
