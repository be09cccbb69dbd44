import { CANCEL_PATTERN } from '../contexts/rpc/carried.js';

const EVENT = 2;

/**
 * What `@EventPattern()` says of a handler, in the words of Nest's metadata: the decorator itself
 * would have to be loaded with the entry point, which then could not say that its package is missing.
 */
export const OnCancelMessage: () => MethodDecorator = () => (_target, _key, descriptor) => {
  const handler = (descriptor as PropertyDescriptor).value as object;
  Reflect.defineMetadata('microservices:pattern', [CANCEL_PATTERN], handler);
  Reflect.defineMetadata('microservices:handler_type', EVENT, handler);
  Reflect.defineMetadata('microservices:transport', undefined, handler);
  // Every instance hears of every cancel, whatever queue of NATS the others of its kind share.
  Reflect.defineMetadata('microservices:pattern_extras', { queue: '' }, handler);
};
