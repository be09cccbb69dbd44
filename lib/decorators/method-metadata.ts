import 'reflect-metadata';

/** Where a decorated method keeps its definition; metadata follows a function through other decorators. */
const DEFINITION = Symbol.for('nestjs-cancelable.definition');
const NOT_CANCELABLE = Symbol.for('nestjs-cancelable.not-cancelable');
const CLASS_OPTIONS = Symbol.for('nestjs-cancelable.class-options');

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

export function setClassOptions(target: object, options: unknown): void {
  Reflect.defineMetadata(CLASS_OPTIONS, options, target);
}

export function getClassOptions(target: object): unknown {
  return Reflect.getMetadata(CLASS_OPTIONS, target);
}

/** Makes a wrapper pass for what it wraps: metadata (routes, patterns, guards), `name` and `length`. */
export function impersonate(wrapper: AnyFunction, original: AnyFunction): void {
  for (const key of Reflect.getOwnMetadataKeys(original) as unknown[]) {
    Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, original), wrapper);
  }
  Object.defineProperty(wrapper, 'name', { value: original.name, configurable: true });
  Object.defineProperty(wrapper, 'length', { value: original.length, configurable: true });
}

const HANDLER_MARKS = [
  'path', // controllers
  'microservices:handler_type', // @MessagePattern, @EventPattern
  'message', // @SubscribeMessage
  'websockets:message_mapping',
  'graphql:resolver_type', // @Query, @Mutation, @ResolveField, @Subscription
];

/** Whether Nest calls this method for a request of some kind. */
export function isHandler(method: object): boolean {
  return HANDLER_MARKS.some((key) => Reflect.hasOwnMetadata(key, method));
}
