import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { type Observable, throwError } from 'rxjs';
import { contextStorage } from '../core/ambient.js';
import type { CancelableRuntime } from '../decorators/cancelable-runtime.js';
import { HttpCall } from './http/http-call.js';
import { toHttpError } from './http/operation-canceled.exception.js';
import { type RequestDefaults, RoutePlan } from './http/route-plan.js';

/** Stands outermost, and gives each call the context its operation lives in. */
export class CancelableInterceptor implements NestInterceptor {
  /** By handler, then by class: an inherited handler is a route of each of them. */
  private readonly routes = new WeakMap<object, Map<object, RoutePlan>>();

  constructor(
    private readonly runtime: CancelableRuntime,
    private readonly defaults: RequestDefaults,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType() !== 'http') return next.handle();
    const route = this.routeOf(context);
    const [request, response] = context.getArgs<[unknown, unknown]>();
    const call = new HttpCall(
      this.runtime.live,
      route,
      context,
      rawOf<IncomingMessage>(request),
      rawOf<ServerResponse>(response),
    );
    if (route.isEager) {
      try {
        call.begin();
      } catch (error) {
        return throwError(() => toHttpError(error, route.statusCodes));
      }
    }
    return call.connect(contextStorage.run(call.cell, () => next.handle()));
  }

  private routeOf(context: ExecutionContext): RoutePlan {
    const handler = context.getHandler();
    const controller = context.getClass();
    let byClass = this.routes.get(handler);
    if (byClass === undefined) this.routes.set(handler, (byClass = new Map<object, RoutePlan>()));
    let route = byClass.get(controller);
    if (route === undefined) {
      const name = `${controller.name}.${handler.name}`;
      route = new RoutePlan(this.runtime, this.defaults, name, handler, controller);
      byClass.set(controller, route);
    }
    return route;
  }
}

/** Fastify wraps what Express hands out as it is. */
function rawOf<Raw>(wrapped: unknown): Raw {
  return ((wrapped as { raw?: unknown }).raw ?? wrapped) as Raw;
}
