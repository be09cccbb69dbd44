import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { currentCell } from '../../scope/context.js';
import { getDefinition } from '../../methods/method-metadata.js';
import { IncomingCell } from '../incoming-cell.js';

const INTERCEPTORS = '__interceptors__';

/** The interceptors of the applications that have a handler; by handler. */
const owners = new WeakMap<object, Set<NestInterceptor>>();

/**
 * A hybrid application that does not hand its configuration on runs no global interceptor for its
 * microservices, so decorated handlers carry one of their own. It steps aside where the global one
 * ran, and where it is not known which application calls.
 */
const handlerInterceptor: NestInterceptor = {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const cell = currentCell();
    const isServed = cell instanceof IncomingCell && cell.serves(context);
    const interceptors = owners.get(context.getHandler());
    const [interceptor] = interceptors?.size === 1 ? interceptors : [];
    if (isServed || interceptor === undefined) return next.handle();
    return interceptor.intercept(context, next) as Observable<unknown>;
  },
};

/**
 * Comes before any microservice is connected, which is when Nest reads the handlers' metadata.
 *
 * @returns takes the application's interceptor away
 */
export function interceptHandlers(
  handlers: readonly object[],
  interceptor: NestInterceptor,
): () => void {
  const decorated = handlers.filter((handler) => getDefinition(handler) !== undefined);
  for (const handler of decorated) {
    const interceptors = owners.get(handler);
    if (interceptors === undefined) {
      owners.set(handler, new Set([interceptor]));
      const others = (Reflect.getMetadata(INTERCEPTORS, handler) as unknown[] | undefined) ?? [];
      Reflect.defineMetadata(INTERCEPTORS, [handlerInterceptor, ...others], handler);
    } else {
      interceptors.add(interceptor);
    }
  }
  return () => {
    for (const handler of decorated) owners.get(handler)?.delete(interceptor);
  };
}
