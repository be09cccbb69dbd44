import 'reflect-metadata';

/**
 * The metadata key of a method's definition. Metadata follows a function through other decorators.
 */
const DEFINITION = Symbol('nestjs-cancelable.definition');
const NOT_CANCELABLE = Symbol('nestjs-cancelable.not-cancelable');
const UNOBSERVED = Symbol('nestjs-cancelable.unobserved');

export type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;

export function setDefinition(method: object, definition: unknown): void {
  Reflect.defineMetadata(DEFINITION, definition, method);
}

export function getDefinition(method: object): unknown {
  return Reflect.getOwnMetadata(DEFINITION, method);
}

export function markNotCancelable(target: object): void {
  Reflect.defineMetadata(NOT_CANCELABLE, true, target);
}

export function isNotCancelable(target: object): boolean {
  return Reflect.getMetadata(NOT_CANCELABLE, target) === true;
}

/** The handlers of a class are no operations, and are served while the application drains. */
export function markUnobserved(host: object): void {
  Reflect.defineMetadata(UNOBSERVED, true, host);
}

export function isUnobserved(host: object): boolean {
  return Reflect.getOwnMetadata(UNOBSERVED, host) === true;
}

/**
 * Makes a wrapper pass for what it wraps: metadata (routes, patterns, guards), `name` and `length`.
 */
export function impersonate(wrapper: AnyFunction, original: AnyFunction): void {
  for (const key of Reflect.getOwnMetadataKeys(original) as unknown[]) {
    Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, original), wrapper);
  }
  Object.defineProperty(wrapper, 'name', { value: original.name, configurable: true });
  setLength(wrapper, original.length);
}

export function setLength(method: AnyFunction, length: number): void {
  Object.defineProperty(method, 'length', { value: length, configurable: true });
}

/** The metadata keys of handlers, by the type of ExecutionContext they are called with. */
const HANDLER_MARKS = [
  ['microservices:handler_type', 'rpc'], // @MessagePattern, @EventPattern
  ['websockets:message_mapping', 'ws'], // @SubscribeMessage
  ['graphql:resolver_type', 'graphql'], // @Query, @Mutation, @ResolveField, @Subscription
  ['path', 'http'], // controllers
] as const;

/** Whether Nest calls this method for a request of some kind. */
export function isHandler(method: object): boolean {
  return handlerKind(method) !== undefined;
}

export function handlerKind(method: object): string | undefined {
  return HANDLER_MARKS.find(([key]) => Reflect.hasOwnMetadata(key, method))?.[1];
}

/** The methods as they are called: those of a subclass hide those of its base. */
export function methodsOf(prototype: object): Map<string | symbol, object> {
  const methods = new Map<string | symbol, object>();
  for (
    let owner: object | null = prototype;
    owner !== null && owner !== Object.prototype;
    owner = Object.getPrototypeOf(owner) as object | null
  ) {
    for (const key of Reflect.ownKeys(owner)) {
      if (key === 'constructor' || methods.has(key)) continue;
      const value: unknown = Object.getOwnPropertyDescriptor(owner, key)?.value;
      if (typeof value === 'function') methods.set(key, value);
    }
  }
  return methods;
}
