import 'reflect-metadata';
import { currentCell } from '../scope/context.js';
import { isThenable } from '../scope/thenable.js';
import type { HandlerMethod } from './handlers.js';
import type { HandlerCell } from './handler-call.js';
import { type AnyFunction, getDefinition, impersonate, methodsOf } from './method-metadata.js';

/** The metadata key of the object by which a call claims the body of an undecorated handler. */
const BODY = Symbol.for('nestjs-cancelable.body');

/** `undefined`: nobody follows what this handler gives. */
export function bodyOf(handler: object): object | undefined {
  return Reflect.getOwnMetadata(BODY, handler) as object | undefined;
}

/**
 * Lets the operations of undecorated handlers learn of the promises that these give. Comes before
 * Nest mounts them. Wherever else the methods are called, they are what they were.
 */
export function followHandlers(handlers: Iterable<HandlerMethod>): void {
  for (const { method, host } of handlers) {
    if (getDefinition(method) !== undefined || bodyOf(method) !== undefined) continue;
    const prototype = (host as { prototype: object }).prototype;
    for (const [key, own] of methodsOf(prototype)) if (own === method) follow(prototype, key);
  }
}

function follow(prototype: object, key: string | symbol): void {
  let owner = prototype;
  while (!Object.hasOwn(owner, key)) owner = Object.getPrototypeOf(owner) as object;
  const descriptor = Object.getOwnPropertyDescriptor(owner, key) as PropertyDescriptor;
  if (!descriptor.configurable) return;
  const original = descriptor.value as AnyFunction;
  const body = {};
  const wrapper: AnyFunction = function (this: unknown, ...args) {
    const cell = currentCell();
    const isClaimed = cell?.claim(body) !== undefined;
    const result = original.apply(this, args);
    return isClaimed && isThenable(result)
      ? (cell as HandlerCell).followHandler(Promise.resolve(result))
      : result;
  };
  impersonate(wrapper, original);
  Reflect.defineMetadata(BODY, body, wrapper);
  Object.defineProperty(owner, key, { ...descriptor, value: wrapper });
}
