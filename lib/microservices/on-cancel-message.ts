import { CANCEL_PATTERN } from '../transports/rpc/carried.js';
import { EVENT_HANDLER, HANDLER_TYPE, PATTERNS } from '../transports/rpc/rpc-plan.js';

/**
 * What `@EventPattern()` says of a handler, in the words of Nest's metadata: the decorator itself
 * would have to be loaded with the entry point, which then could not say that its package is
 * missing.
 */
export const OnCancelMessage: () => MethodDecorator = () => (_target, _key, descriptor) => {
  const handler = (descriptor as PropertyDescriptor).value as object;
  Reflect.defineMetadata(PATTERNS, [CANCEL_PATTERN], handler);
  Reflect.defineMetadata(HANDLER_TYPE, EVENT_HANDLER, handler);
  Reflect.defineMetadata('microservices:transport', undefined, handler);
  // Every instance hears of every cancel, whatever queue of NATS the others of its kind share.
  Reflect.defineMetadata('microservices:pattern_extras', { queue: '' }, handler);
};
